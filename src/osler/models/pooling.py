"""What a model is given for a batch, and from token vectors to one vector per text."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np

from osler.base.errors import InputError
from osler.base.files import read_json
from osler.models.architectures import ARCHITECTURES
from osler.models.device import send
from osler.models.facts import Recipe
from osler.models.packing import Packed


def model_inputs(packed: Packed, facts: Recipe, config: Any, *, device: str = "cpu") -> dict[str, Any]:
    """What a model is given for texts in one row.

    Positions are given and never counted by the model, which would count on from one text to the next.

    Args:
        packed: the texts.
        facts: the recipe.
        config: the model's settings, as transformers has them.
        device: `cpu` or `cuda`.

    Returns:
        Arguments of its `forward`: `input_ids` int64 [1, n_tokens], `position_ids`, and what
        `osler.models.packing.attend` needs.
    """
    import torch

    known = ARCHITECTURES[facts.architecture]
    positions = packed.positions + known.first_position(config)
    inputs: dict[str, Any] = {
        "input_ids": send(torch.from_numpy(packed.tokens)[None], device),
        "position_ids": send(torch.from_numpy(positions)[None], device),
        "runs": packed.runs,
        "looks_back": facts.attention == "causal",
    }
    if known.decoder:
        inputs["use_cache"] = False
    return inputs


def pool(hidden: Any, packed: Packed, pooling: str) -> Any:
    """One vector per text.

    Args:
        hidden: float tensor [n_tokens, width].
        packed: what the tokens are.
        pooling: one of `osler.models.facts.POOLINGS`.

    Returns:
        float32 tensor [n_texts, width].
    """
    import torch

    if pooling in ("cls", "last"):
        place = packed.starts if pooling == "cls" else packed.starts + packed.lengths - 1
        return hidden[torch.from_numpy(place).to(hidden.device)].float()
    if pooling == "text":
        starts, lengths = packed.text_starts, packed.text_lengths
        before = np.cumsum(lengths) - lengths
        places = np.arange(int(lengths.sum())) + np.repeat(starts - before, lengths)
        counted = hidden[torch.from_numpy(places).to(hidden.device)]
    else:
        lengths = packed.lengths
        counted = hidden[: int(lengths.sum())]
    divided = torch.from_numpy(lengths).to(hidden.device)
    return torch.segment_reduce(counted.float(), "mean", lengths=divided, axis=0)


def load_head(folder: Path) -> Any:
    """A linear layer in the layout of sentence-transformers' Dense: `config.json` and its weights.

    Raises:
        InputError: it is not there, is not linear, or its weights do not fit its settings.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = folder / "config.json"
    if not path.is_file():
        raise InputError("the dense head is missing", where=folder, remedy="download the encoder again")
    settings = read_json(path)
    activation = str(settings.get("activation_function", "Identity")).rsplit(".", 1)[-1]
    if activation not in ("Identity", "Tanh"):
        raise InputError(
            f"activation '{activation}' is not supported", where=path, allowed=["Identity", "Tanh"]
        )
    linear = torch.nn.Linear(
        int(settings["in_features"]), int(settings["out_features"]), bias=bool(settings.get("bias", True))
    )
    file = head_weights(folder)
    try:
        if file.suffix == ".bin":
            weights = torch.load(file, map_location="cpu", weights_only=True)
        else:
            weights = load_file(file)
        linear.load_state_dict({key.removeprefix("linear."): value for key, value in weights.items()})
    except (RuntimeError, SafetensorError, OSError, pickle.UnpicklingError) as error:
        raise InputError(f"the dense head does not fit its settings: {error}", where=file) from error
    return torch.nn.Sequential(
        linear.float(), torch.nn.Tanh() if activation == "Tanh" else torch.nn.Identity()
    )


def head_weights(folder: Path) -> Path:
    """The file with the weights of a dense head.

    Raises:
        InputError: there is none.
    """
    for name in ("model.safetensors", "pytorch_model.bin"):
        if (folder / name).is_file():
            return folder / name
    raise InputError("the dense head has no weights", where=folder, remedy="download the encoder again")
