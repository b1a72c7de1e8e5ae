"""From token ids to a padded batch, and from token vectors to one vector per text."""

import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from osler.base.errors import InputError
from osler.base.files import read_json
from osler.models.architectures import ARCHITECTURES
from osler.models.device import send
from osler.models.facts import Recipe


@dataclass(frozen=True)
class Batch:
    """Texts of one batch, padded to the longest.

    Attributes:
        tokens: int64 [n_texts, longest] ids.
        real: bool [n_texts, longest] what is no padding.
        text: bool [n_texts, longest] what is neither padding nor special token nor instruction; of a text
            without such tokens, all its real ones.
    """

    tokens: np.ndarray
    real: np.ndarray
    text: np.ndarray


def pad_batch(
    ids: Sequence[Sequence[int]],
    *,
    prefix: Sequence[int],
    suffix: Sequence[int],
    pad_id: int,
    side: str,
    lead: int = 0,
) -> Batch:
    """Put texts into one array.

    Args:
        ids: token ids of each text, instruction included, special tokens not.
        prefix, suffix: special tokens before and after each text.
        pad_id: what fills shorter texts.
        side: `left` or `right`, where it is filled in.
        lead: number of leading ids of each text that are the instruction.

    Examples:
        >>> batch = pad_batch([[5, 6], [7]], prefix=[1], suffix=[2], pad_id=0, side="left")
        >>> batch.tokens.tolist(), batch.text.tolist()
        ([[1, 5, 6, 2], [0, 1, 7, 2]], [[False, True, True, False], [False, False, True, False]])
    """
    lengths = np.array([len(one) for one in ids]) + len(prefix) + len(suffix)
    longest = int(lengths.max())
    tokens = np.full((len(ids), longest), pad_id, dtype=np.int64)
    start = longest - lengths if side == "left" else np.zeros_like(lengths)
    for row, one, first in zip(tokens, ids, start.tolist(), strict=True):
        whole = [*prefix, *one, *suffix]
        row[first : first + len(whole)] = whole
    place = np.arange(longest) - start[:, None]
    real = (place >= 0) & (place < lengths[:, None])
    text = (place >= len(prefix) + lead) & (place < lengths[:, None] - len(suffix))
    empty = ~text.any(axis=1)
    text[empty] = real[empty]
    return Batch(tokens, real, text)


def model_inputs(batch: Batch, facts: Recipe, *, device: str = "cpu") -> dict[str, Any]:
    """What a model is given for a batch: ids, and mask and positions where it needs them.

    A bidirectional decoder is always given a mask of four dimensions, since without one it attends causally.
    With padding on the left, positions count from the first real token. Any other model gets no mask where
    nothing is padded, so that attention runs without one.

    Returns:
        Arguments of its `forward`: `input_ids` int64 [n_texts, longest], ...
    """
    import torch

    inputs: dict[str, Any] = {
        "input_ids": send(torch.from_numpy(batch.tokens), device),
        "attention_mask": None,
    }
    known = ARCHITECTURES[facts.architecture]
    padded = not batch.real.all()
    if known.decoder:
        inputs["use_cache"] = False
    if known.decoder and facts.attention == "bidirectional":
        n_texts, longest = batch.real.shape
        seen = send(torch.from_numpy(batch.real), device)[:, None, None, :]
        inputs["attention_mask"] = seen.expand(n_texts, 1, longest, longest)
    elif padded:
        inputs["attention_mask"] = send(torch.from_numpy(batch.real.astype(np.int64)), device)
    if padded and facts.padding_side == "left":
        positions = np.maximum(batch.real.cumsum(axis=1) - 1, 0)
        inputs["position_ids"] = send(torch.from_numpy(positions + known.reserved), device)
    return inputs


def pool(hidden: Any, batch: Batch, pooling: str) -> Any:
    """One vector per text.

    Args:
        hidden: float32 tensor [n_texts, longest, width].
        batch: what the tokens are.
        pooling: one of `osler.models.facts.POOLINGS`.

    Returns:
        float32 tensor [n_texts, width].
    """
    import torch

    if pooling in ("cls", "last"):
        if pooling == "cls":
            index = batch.real.argmax(axis=1)
        else:
            index = batch.real.shape[1] - 1 - batch.real[:, ::-1].argmax(axis=1)
        return hidden[torch.arange(len(index)), torch.from_numpy(np.ascontiguousarray(index))]
    counted = torch.from_numpy(batch.text if pooling == "text" else batch.real).to(hidden.device)
    weights = counted.unsqueeze(-1).float()
    # What a model gives at padding may be no number, and 0 times it is none either.
    return (hidden.masked_fill(~counted.unsqueeze(-1), 0.0) * weights).sum(dim=1) / weights.sum(dim=1)


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
