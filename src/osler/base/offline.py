"""The offline switch: set before any library that could reach for the network is imported."""

import os

_SILENT = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "true",
    "RAY_USAGE_STATS_ENABLED": "0",
    "DO_NOT_TRACK": "1",
}


def go_offline() -> None:
    """Forbid the network and telemetry to every dependency that honours its switch."""
    os.environ.update(_SILENT)
