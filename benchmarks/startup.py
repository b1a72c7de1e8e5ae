"""How long `osler --help` and `import osler` take: medians of 11 fresh processes, against bare Python."""

import json
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path


def seconds(command: list[str], *, times: int = 11) -> float:
    """Median wall time of a command."""
    measured = []
    for _ in range(times):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        measured.append(time.perf_counter() - start)
    return statistics.median(measured)


def main() -> None:
    """Measure, print, and give the JSON object as the last line."""
    osler = shutil.which("osler", path=str(Path(sys.executable).parent)) or "osler"
    bare = seconds([sys.executable, "-c", "pass"])
    helps = seconds([osler, "--help"])
    imports = seconds([sys.executable, "-c", "import osler"])
    print(f"bare python {bare:.3f} s, import osler {imports:.3f} s, osler --help {helps:.3f} s")
    print(
        json.dumps(
            {
                "name": "startup",
                "value": round(helps, 3),
                "unit": "s for `osler --help` (limit 0.3)",
                "ratio": round(helps / bare, 2),
                "against": "bare Python process",
                "import_osler_s": round(imports, 3),
            }
        )
    )


if __name__ == "__main__":
    main()
