"""Hospital stays in plain Python, event by event."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

Row = tuple[Any, ...]


@dataclass
class Stay:
    subject: int
    visit: int | None
    admitted: datetime | None
    discharged: datetime | None
    reason: str | None = None


def is_code(code: str, wanted: str) -> bool:
    return code == wanted or code.startswith(wanted + "//")


def stays_of(rows: list[Row], *, merge_hours: float | None) -> tuple[list[Stay], int]:
    """All admissions with their discharge and why they are no stay of their own; orphaned discharges."""
    stays: list[Stay] = []
    orphans = 0
    for subject in sorted({row[0] for row in rows}):
        mine = [row for row in rows if row[0] == subject]
        admissions = [(r[1], r[5]) for r in mine if is_code(r[2], "HOSPITAL_ADMISSION")]
        discharges = [(r[1], r[5]) for r in mine if is_code(r[2], "HOSPITAL_DISCHARGE")]
        for time, visit in admissions:
            if time is None:
                stays.append(Stay(subject, visit, None, None, "admission without a time"))
        admissions = [(time, visit) for time, visit in admissions if time is not None]
        discharges = [(time, visit) for time, visit in discharges if time is not None]
        whole = {v for _, v in admissions if v is not None} & {v for _, v in discharges if v is not None}
        closed = []
        for visit in whole:
            begin = min(time for time, v in admissions if v == visit)
            end = max(time for time, v in discharges if v == visit)
            closed.append(Stay(subject, visit, begin, end))
        paired, lost = _pair(
            subject,
            [(t, v) for t, v in admissions if v not in whole],
            [(t, v) for t, v in discharges if v not in whole],
        )
        orphans += lost
        stays += _merge(closed + paired, merge_hours)
    return stays, orphans


def _first_visit(entries: list[tuple[datetime, int | None]], time: datetime) -> int | None:
    known = [v for t, v in entries if t == time and v is not None]
    return min(known) if known else None


def _pair(subject: int, admissions: list[Any], discharges: list[Any]) -> tuple[list[Stay], int]:
    begins, ends = sorted({t for t, _ in admissions}), sorted({t for t, _ in discharges})
    stays: list[Stay] = []
    orphans = 0
    current: Stay | None = None

    def close(time: datetime) -> bool:
        nonlocal current, orphans
        assert current is not None
        visit = _first_visit(discharges, time)
        fits = visit is None or current.visit is None or visit == current.visit
        if fits:
            current.discharged = time
        else:
            orphans += 1
        current = None
        return fits

    def begin(time: datetime) -> None:
        nonlocal current
        current = Stay(subject, _first_visit(admissions, time), time, None)
        stays.append(current)

    instants = sorted({*begins, *ends})
    for index, time in enumerate(instants):
        leaves, enters = time in ends, time in begins
        if leaves and current is not None:
            close(time)
            leaves = False
        if enters:
            begin(time)
        if leaves:
            following = instants[index + 1] if index + 1 < len(instants) else None
            if enters and following not in ends:
                close(time)
            else:
                orphans += 1
    return stays, orphans


def _merge(stays: list[Stay], merge_hours: float | None) -> list[Stay]:
    usable = []
    for stay in stays:
        if stay.discharged is not None and stay.admitted is not None and stay.discharged < stay.admitted:
            stay.reason = "discharge before the admission"
        elif stay.discharged is not None:
            usable.append(stay)
    if merge_hours is None:
        return stays
    head: Stay | None = None
    for stay in sorted(usable, key=lambda s: (s.admitted, s.discharged, -1 if s.visit is None else s.visit)):
        assert stay.admitted is not None
        assert stay.discharged is not None
        if head is not None and head.discharged is not None:
            reach = head.discharged + timedelta(hours=merge_hours)
            if stay.admitted <= reach:
                stay.reason = "continues the stay before (transfer)"
                head.discharged = max(head.discharged, stay.discharged)
                continue
        head = stay
    return stays


def death_of(rows: list[Row], subject: int) -> tuple[bool, datetime | None]:
    """Whether the subject has a death event, and the earliest time of one."""
    deaths = [row[1] for row in rows if row[0] == subject and is_code(row[2], "MEDS_DEATH")]
    known = [time for time in deaths if time is not None]
    return bool(deaths), min(known) if known else None
