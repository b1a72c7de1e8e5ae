"""Workers of a cluster: batches placed on them, results in order, lost workers replaced.

Each worker has a batch in work and one waiting. Batches are placed in order, at most a window of them ahead
of the oldest that is not done: a slow worker holds up the others only when they are a window ahead of it. The
batches of a lost worker are placed again; a batch that is long overdue while others wait for it is given to a
second worker, and the first answer counts (both have the same bytes).
"""

import heapq
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from osler.base.errors import InputError
from osler.base.progress import note
from osler.represent.engine_worker import Report, Worker, pack_batch, require_same

# Batches that a worker has at a time, and batches per worker between the oldest undone one and the newest.
DEPTH = 2
WINDOW = 8
# How often a batch may be lost with its worker before it is taken to be the cause.
ATTEMPTS = 4
# Seconds without any worker after which the job gives up.
PATIENCE = 60.0
# A batch is overdue after so many times the usual duration, and this many seconds.
OVERDUE = 10.0
OVERDUE_SECONDS = 10.0
_TURN = 1.0
_PLACED, _LOADED = -2, -1


@dataclass(eq=False)
class _Member:
    """One worker as the pool sees it."""

    actor: Any
    placed: bool = False
    report: Report | None = None
    pid: int = 0
    load: int = 0


@dataclass
class _Job:
    """Batches of one call: what is out, what came back."""

    number: int
    lead: int
    batches: dict[int, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    again: list[int] = field(default_factory=list)
    done: dict[int, np.ndarray] = field(default_factory=dict)
    attempts: dict[int, int] = field(default_factory=dict)
    since: dict[int, float] = field(default_factory=dict)
    doubled: set[int] = field(default_factory=set)
    issued: int = 0
    next: int = 0


class WorkerPool:
    """Workers on a connected cluster.

    Args:
        ray: the module, connected.
        encoder, dtype: what each worker loads; the first worker decides what `auto` means for all.
        workers: how many.
        gpus: graphics processors of each.

    Raises:
        InputError: no worker gets a place, the encoder does not load, or workers differ.
    """

    def __init__(self, ray: Any, *, encoder: str, dtype: str, workers: int, gpus: float) -> None:
        self._ray = ray
        self._encoder = encoder
        self._dtype = dtype
        self._device = "cuda" if gpus else "cpu"
        self.workers = workers
        self._actor = ray.remote(Worker).options(
            num_cpus=1, num_gpus=gpus, max_restarts=0, max_task_retries=0, scheduling_strategy="SPREAD"
        )
        self._members: list[_Member] = []
        self._out: dict[Any, tuple[_Member, int, int]] = {}
        self._jobs = 0
        self._job: _Job | None = None
        self._hardware: set[str] = set()
        self._failed_starts = 0
        self._seconds = 0.0
        self._last_alive = time.monotonic()
        self.reference: Report | None = None
        self.losses = 0
        for _ in range(workers):
            self._hire()
        while self.reference is None:
            self._turn()

    def close(self) -> None:
        """End the workers."""
        for member in self._members:
            self._ray.kill(member.actor)
        self._members.clear()
        self._out.clear()

    def pids(self) -> list[int]:
        """Process numbers of the workers that are ready."""
        return [member.pid for member in self._members if member.report is not None]

    def encode_batches(
        self, batches: Iterable[Sequence[Sequence[int]]], *, lead: int = 0
    ) -> Iterator[np.ndarray]:
        """Vectors of batches exactly as given and in their order; `lead` as in `Encoder.encode_ids`.

        Raises:
            InputError: no worker is left, or a batch took one worker after another with it.
        """
        self._jobs += 1
        job = self._job = _Job(self._jobs, lead)
        self._last_alive = time.monotonic()  # the caller may have been away for long
        source = iter(batches)
        more = True
        while True:
            more = self._place(job, source, more=more)
            if job.next in job.done:
                yield job.done.pop(job.next)
                job.batches.pop(job.next)
                job.next += 1
            elif not more and job.next == job.issued:
                return
            else:
                self._turn()

    def _place(self, job: _Job, source: Iterator[Sequence[Sequence[int]]], *, more: bool) -> bool:
        """Give batches to the workers that have room; returns whether the source may have more."""
        while member := self._free():
            if job.again:
                number = heapq.heappop(job.again)
                if number < job.next or number in job.done:
                    continue
            elif more and job.issued - job.next < WINDOW * self.workers:
                batch = next(source, None)
                if batch is None:
                    more = False
                    continue
                number, job.issued = job.issued, job.issued + 1
                job.batches[number] = pack_batch(batch)
            elif not self._double(job, member):
                break
            else:
                continue
            self._submit(job, member, number)
        return more

    def _free(self) -> _Member | None:
        ready = [one for one in self._members if one.report is not None and one.load < DEPTH]
        return min(ready, key=lambda one: one.load, default=None)

    def _submit(self, job: _Job, member: _Member, number: int) -> None:
        flat, ends = job.batches[number]
        self._call(member, member.actor.encode.remote(flat, ends, job.lead), job.number, number)
        job.since[number] = time.monotonic()

    def _double(self, job: _Job, member: _Member) -> bool:
        """Whether the oldest batch is overdue with another worker and now runs here as well."""
        number = job.next
        overdue = time.monotonic() - job.since.get(number, time.monotonic()) > max(
            OVERDUE_SECONDS, OVERDUE * DEPTH * self._seconds
        )
        if not overdue or number in job.done or number in job.doubled or member.load:
            return False
        job.doubled.add(number)
        self._submit(job, member, number)
        return True

    def _call(self, member: _Member, ref: Any, job: int, what: int) -> None:
        self._out[ref] = (member, job, what)
        member.load += 1

    def _hire(self) -> None:
        member = _Member(self._actor.remote())
        self._members.append(member)
        self._call(member, member.actor.place.remote(), 0, _PLACED)
        self._call(member, member.actor.load.remote(self._encoder, self._dtype, self._device), 0, _LOADED)

    def _turn(self) -> None:
        """Wait for answers, a second at most, and take them in."""
        ready, _ = self._ray.wait(list(self._out), num_returns=1, timeout=_TURN)
        for ref in ready:
            if ref not in self._out:  # went with its worker a moment ago
                continue
            member, job, what = self._out[ref]
            try:
                value = self._ray.get(ref)
            except self._ray.exceptions.RayTaskError as error:
                raise _cause(error) from None
            except self._ray.exceptions.RayError as error:
                self._lose(member, error)
                continue
            del self._out[ref]
            member.load -= 1
            if what == _PLACED:
                member.placed, member.pid = True, value[1]
            elif what == _LOADED:
                self._welcome(member, value)
            elif self._job is not None and job == self._job.number:
                self._take(self._job, what, value)
        self._require_hope()

    def _take(self, job: _Job, number: int, vectors: np.ndarray) -> None:
        if number < job.next or number in job.done:
            return
        job.done[number] = vectors
        took = time.monotonic() - job.since.pop(number)
        self._seconds = took if not self._seconds else 0.9 * self._seconds + 0.1 * took

    def _welcome(self, member: _Member, report: Report) -> None:
        self._failed_starts = 0
        if self.reference is None:
            self.reference = report
            self._dtype = str(report.made_by["dtype"])
        if report.made_by["dtype"] != self._dtype:  # `auto` meant something else there
            self._call(member, member.actor.load.remote(self._encoder, self._dtype, self._device), 0, _LOADED)
            return
        require_same(self.reference, report)
        self._hardware.add(report.hardware)
        if len(self._hardware) == 2 and report.hardware != self.reference.hardware:
            note(
                "encode: workers have different processors "
                f"({'; '.join(sorted(self._hardware))}): vectors may differ in their last digits between runs"
            )
        member.report = report

    def _lose(self, member: _Member, error: Exception) -> None:
        """Replace a worker, and put what it had back in the queue."""
        self._members.remove(member)
        gone = [ref for ref, (owner, _, _) in self._out.items() if owner is member]
        returned = [self._out.pop(ref)[1:] for ref in gone]
        self._ray.kill(member.actor)
        self.losses += 1
        if member.report is None:
            self._failed_starts += 1
        if self._failed_starts > ATTEMPTS * self.workers:
            raise InputError(
                f"workers end before they are ready ({type(error).__name__})",
                count=self._failed_starts,
                remedy="install osler with the same versions on every node, and check their memory",
            )
        job = self._job
        for number in (what for of, what in returned if job is not None and of == job.number):
            assert job is not None
            if number < job.next or number in job.done:
                continue
            job.attempts[number] = job.attempts.get(number, 0) + 1
            if job.attempts[number] >= ATTEMPTS:
                flat, ends = job.batches[number]
                raise InputError(
                    f"a batch of {len(ends):,} texts and {len(flat):,} tokens was lost with {ATTEMPTS} "
                    f"workers one after another ({type(error).__name__})",
                    remedy="give each worker more memory: fewer workers per node",
                )
            job.doubled.discard(number)
            heapq.heappush(job.again, number)
        note(f"encode: a worker was lost ({type(error).__name__}); what it had in work is placed again")
        self._hire()

    def _require_hope(self) -> None:
        if any(member.placed for member in self._members):
            self._last_alive = time.monotonic()
        elif time.monotonic() - self._last_alive > PATIENCE:
            raise InputError(
                f"no worker is left: none got a place in {PATIENCE:,.0f} s",
                count=self.workers,
                remedy="start nodes with free cores or graphics processors, and give the command again: "
                "finished shards are kept",
            )


def _cause(error: Any) -> Any:
    """What went wrong in the worker, without Ray's wrapping."""
    cause = error.cause
    return cause if isinstance(cause, BaseException) else error
