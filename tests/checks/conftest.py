"""A sound dataset, datasets with one fault, and the one finding that it gives."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from planted import sound_events, write_dataset

from osler.checks.doctor import examine


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    """A dataset without a fault."""
    return write_dataset(tmp_path / "dataset", sound_events())


@pytest.fixture
def plant(tmp_path: Path) -> Callable[..., Path]:
    """Make a dataset whose events were changed: `plant(lambda events: ...)`."""

    def make(change: Callable[[pl.DataFrame], pl.DataFrame], **metadata: Any) -> Path:
        return write_dataset(tmp_path / "dataset", change(sound_events()), **metadata)

    return make


@pytest.fixture
def only() -> Callable[..., dict[str, Any]]:
    """Examine a folder: the one finding that is not ok; it belongs to this check and can be acted on."""

    def find(path: Path, check: str, status: str = "warning", **options: Any) -> dict[str, Any]:
        findings = [one for one in examine(path, **options)["findings"] if one["status"] != "ok"]
        assert [(one["check"], one["status"]) for one in findings] == [(check, status)], findings
        assert findings[0]["remedy"]
        assert findings[0]["file"]
        assert findings[0]["example"]
        return findings[0]

    return find
