"""The steps of a run: each is done once, redone when its inputs changed, and timed.

Before a step starts, its key (a hash of everything that it depends on) is noted under `.steps/`. A step
whose noted key is another one is cleared first; a step with the same key is skipped when its folder is
sealed and goes on where it was when it is not.
"""

import fcntl
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from osler import __version__
from osler.base.errors import InputError
from osler.base.files import read_json, write_json
from osler.base.hashing import hash_json
from osler.base.output import manifest_key
from osler.base.progress import note

_NOTES = ".steps"
_LOCK = ".lock"
TIMINGS = "timings.json"


class Steps:
    """The bookkeeping of one run folder.

    Args:
        out: the run folder; it must be new, empty, or a run folder already.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self.done: list[str] = []
        self.skipped: list[str] = []
        self._asked: set[str] = set()
        if out.exists() and not out.is_dir():
            raise InputError("the output is a file, a folder is needed", where=out, remedy="name a folder")
        if out.is_dir() and any(out.iterdir()) and not (out / _NOTES).is_dir():
            raise InputError(
                "the output folder holds other files than a run",
                where=out,
                count=sum(1 for _ in out.iterdir()),
                remedy="name a new or empty folder, or the folder of an earlier run",
            )
        (out / _NOTES).mkdir(parents=True, exist_ok=True)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the run folder, so that no second run writes into it."""
        with (self.out / _LOCK).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise InputError(
                    "another run is working in this folder",
                    where=self.out,
                    remedy="wait for it, or name another folder",
                ) from error
            yield

    def do(self, name: str, depends_on: dict[str, Any], work: Callable[[Path], object]) -> Path:
        """Do one step, unless it is done.

        Args:
            name: path of its folder below the run folder.
            depends_on: JSON-ready values: settings and the hashes of its inputs.
            work: makes the folder; it must seal it (`Output`) and go on where a killed one was.

        Returns:
            The step's folder.
        """
        folder = self.out / name
        key = hash_json({"step": name, "version": __version__, **depends_on})
        noted = self.out / _NOTES / f"{name.replace('/', '__')}.json"
        self._asked.add(name)
        if not noted.is_file() or read_json(noted)["key"] != key:
            self._clear(name, noted)
            write_json(noted, {"format_version": 1, "step": name, "key": key})
        if manifest_key(folder) is not None:
            self.skipped.append(name)
            return folder
        note(f"{name} ...")
        start = time.perf_counter()
        work(folder)
        seconds = time.perf_counter() - start
        self._record_time(name, seconds)
        note(f"{name}: {seconds:.1f} s")
        self.done.append(name)
        return folder

    def clear_others(self) -> None:
        """Remove what steps made that an earlier study had and this one has not asked for."""
        for noted in sorted((self.out / _NOTES).glob("*.json")):
            name = read_json(noted)["step"]
            if name not in self._asked:
                self._clear(name, noted)
                parent = (self.out / name).parent
                while parent != self.out and parent.is_dir() and not any(parent.iterdir()):
                    parent.rmdir()
                    parent = parent.parent

    def _clear(self, name: str, noted: Path) -> None:
        """Remove the folder of a step.

        Its note goes first: a folder that was half removed when the run was killed belongs to no key.
        """
        noted.unlink(missing_ok=True)
        if (self.out / name).exists():
            shutil.rmtree(self.out / name)
        self._forget_time(name)

    def timings(self) -> dict[str, float]:
        """Seconds by step, in the order in which the steps were first done."""
        path = self.out / TIMINGS
        return dict(read_json(path)["steps"]) if path.is_file() else {}

    def _record_time(self, name: str, seconds: float) -> None:
        self._write_times({**self.timings(), name: round(seconds, 3)})

    def _forget_time(self, name: str) -> None:
        times = self.timings()
        if times.pop(name, None) is not None:
            self._write_times(times)

    def _write_times(self, times: dict[str, float]) -> None:
        write_json(self.out / TIMINGS, {"format_version": 1, "unit": "seconds", "steps": times})
