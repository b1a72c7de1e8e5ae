"""The study of `osler demo`: a simulated hospital group, small enough for a laptop."""

from pathlib import Path

from osler.study.schema import Study, read_study

DEMO = Path(__file__).with_name("demo.yaml")


def demo_study() -> Study:
    """The demonstration study, as it stands in `demo.yaml` beside this module."""
    return read_study(DEMO)
