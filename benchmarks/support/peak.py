"""Running a command in a process of its own: its time, and the memory that its process tree holds."""

import subprocess
import tempfile
import time
from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class Ran:
    """How a command ran.

    Attributes:
        seconds: wall time.
        peak_bytes: most resident memory that the process and its children held at a time.
        output: standard output.
    """

    seconds: float
    peak_bytes: int
    output: str


def tree_bytes(process: psutil.Process) -> int:
    """Resident memory of a process and its children."""
    total = 0
    for member in [process, *process.children(recursive=True)]:
        try:
            total += member.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def run(command: list[str], *, env: dict[str, str] | None = None) -> Ran:
    """Run a command to its end; stop with what it said when it fails."""
    start = time.perf_counter()
    peak = 0
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as said:
        child = subprocess.Popen(command, stdout=output, stderr=said, env=env)
        process = psutil.Process(child.pid)
        while child.poll() is None:
            try:
                peak = max(peak, tree_bytes(process))
            except psutil.NoSuchProcess:
                break
            time.sleep(0.02)
        child.wait()
        seconds = time.perf_counter() - start
        if child.returncode != 0:
            said.seek(0)
            raise SystemExit(f"{said.read()[-2000:]}\n{' '.join(command[:3])} ended with {child.returncode}")
        output.seek(0)
        return Ran(seconds, peak, output.read())
