"""Fixtures for every room."""

import os
from pathlib import Path

import pytest

from osler.base.offline import go_offline

go_offline()


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data: $OSLER_DATA, else shared/data beside the repository; skipped when absent."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("OSLER_DATA", beside))
    if not folder.is_dir():
        pytest.skip("real data is not here: set OSLER_DATA to its folder")
    return folder
