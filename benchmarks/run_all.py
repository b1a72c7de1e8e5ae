"""Run every benchmark and write `benchmarks/RESULTS.md`: `python benchmarks/run_all.py [NAME ...]`."""

import json
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).parent


def run(script: Path) -> dict[str, object]:
    """Run one benchmark and give the JSON object of its last line."""
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    sys.stderr.write(done.stderr)
    if done.returncode != 0 or not done.stdout.strip():
        return {"name": script.stem, "value": None, "unit": "failed", "exit": done.returncode}
    result: dict[str, object] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def processor() -> str:
    """Name of the processor, as the system tells it."""
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []:
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def main() -> int:
    """Run what is named (all by default) and write the table; 1 when a benchmark failed."""
    names = set(sys.argv[1:])
    scripts = sorted(path for path in HERE.glob("*.py") if path.name != Path(__file__).name)
    results = [run(path) for path in scripts if not names or path.stem in names]
    lines = [
        "# Benchmarks",
        "",
        f"Measured {datetime.now(UTC):%Y-%m-%d}, {processor()}. Each row is the last line of "
        "`python benchmarks/NAME.py`.",
        "",
        "| benchmark | value | unit | ratio | against | more |",
        "|---|---|---|---|---|---|",
    ]
    shown = ("name", "value", "unit", "ratio", "against")
    for result in results:
        rest = {key: value for key, value in result.items() if key not in shown}
        more = ", ".join(f"{key} {value}" for key, value in rest.items() if not isinstance(value, dict))
        lines.append("| " + " | ".join(str(result.get(key, "")) for key in shown) + f" | {more} |")
    (HERE / "RESULTS.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    return 1 if any("exit" in result for result in results) else 0


if __name__ == "__main__":
    raise SystemExit(main())
