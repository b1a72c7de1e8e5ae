"""The state of an unfinished fit: weights, moments of the optimizer, losses. No pickle."""

import json
from pathlib import Path
from typing import Any

from osler.base.files import atomic_path

_FILE = "checkpoint.safetensors"


def save_state(folder: Path, learns: dict[str, Any], optimizer: Any, losses: list[float]) -> None:
    """Write the state, whole or not at all.

    Args:
        folder: of the unfinished result.
        learns: the weights that learn, by name.
        optimizer: AdamW over them.
        losses: of the steps done.
    """
    from safetensors.torch import save_file

    tensors = {}
    for name, one in learns.items():
        tensors[f"weight/{name}"] = one.detach().contiguous()
        for moment, value in optimizer.state.get(one, {}).items():
            tensors[f"{moment}/{name}"] = value.detach().contiguous()
    about = {"losses": json.dumps(losses)}
    with atomic_path(folder / _FILE, private=True) as temporary:
        save_file(tensors, temporary, metadata=about)


def load_losses(folder: Path) -> list[float]:
    """Losses of the steps that an unfinished fit has done; none where there is no checkpoint."""
    from safetensors import safe_open

    path = folder / _FILE
    if not path.is_file():
        return []
    with safe_open(path, framework="pt") as file:
        losses: list[float] = json.loads(file.metadata()["losses"])
    return losses


def restore_weights(folder: Path, learns: dict[str, Any], optimizer: Any) -> None:
    """Put weights and moments back, bit for bit."""
    import torch
    from safetensors.torch import load_file

    tensors = load_file(folder / _FILE)
    with torch.no_grad():
        for name, one in learns.items():
            one.copy_(tensors[f"weight/{name}"])
            moments = {
                key.split("/", 1)[0]: value
                for key, value in tensors.items()
                if key.split("/", 1)[1] == name and not key.startswith("weight/")
            }
            if moments:
                optimizer.state[one] = moments


def remove_state(folder: Path) -> None:
    """A finished fit leaves none."""
    (folder / _FILE).unlink(missing_ok=True)
