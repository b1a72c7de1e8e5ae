"""Folders of `model_type: new` (Stella, gte v1.5) as the GteModel of transformers.

Their own code is never run. Three things differ: names of settings, names and packing of weights (which
transformers translates by itself for `gte`), and the spelling of their rotary positions.
"""

from pathlib import Path
from typing import Any

from osler.base.errors import InputError
from osler.base.files import read_json

# Settings that GteModel has no counterpart for: the value with which both compute the same.
_FIXED: dict[str, Any] = {
    "layer_norm_type": "layer_norm",
    "position_embedding_type": "rope",
    "logn_attention_scale": False,
    "logn_attention_clip1": False,
}
_SAME = (
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "hidden_act",
    "max_position_embeddings",
    "type_vocab_size",
    "layer_norm_eps",
    "pad_token_id",
)


def gte_settings(config: dict[str, Any], *, where: Path) -> dict[str, Any]:
    """The settings of GteConfig that compute what a `new` configuration computes.

    Args:
        config: the content of `config.json`.
        where: its path, for messages.

    Raises:
        InputError: it asks for something that GteModel cannot do.

    Examples:
        >>> new = {"hidden_size": 64, "num_attention_heads": 2, "rope_theta": 10.0}
        >>> gte_settings(new, where=Path("config.json"))["rope_parameters"]
        {'rope_type': 'default', 'rope_theta': 10.0}
    """
    for key, value in _FIXED.items():
        if config.get(key, value) != value:
            raise InputError(f"'{key}' is {config[key]!r}", where=where, allowed=[value])
    settings = {key: config[key] for key in _SAME if key in config}
    # A model of this family that states no word types has none.
    settings.setdefault("type_vocab_size", 0)
    settings["rope_parameters"] = _rope(config, where=where)
    return settings


def _rope(config: dict[str, Any], *, where: Path) -> dict[str, Any]:
    """Rotary positions. Their `ntk` with factor f turns at (f·theta)^(-2i/d) · f^(-2/d) at every length.

    That is the linear scaling of transformers by f^(2/d) on the base f·theta; its own `dynamic` scaling is
    another one, which begins only beyond the longest position.
    """
    theta = float(config.get("rope_theta", 10000.0))
    scaling = config.get("rope_scaling")
    if not scaling:
        return {"rope_type": "default", "rope_theta": theta}
    kind = scaling.get("type") or scaling.get("rope_type")
    if kind != "ntk" or scaling.get("mixed_b") is not None:
        raise InputError(f"rope_scaling {scaling} is not supported", where=where, allowed=["ntk"])
    factor = float(scaling["factor"])
    width = int(config["hidden_size"]) // int(config["num_attention_heads"])
    return {"rope_type": "linear", "rope_theta": theta * factor, "factor": factor ** (2.0 / width)}


def gte_config(folder: Path) -> Any:
    """A GteConfig for a folder of `model_type: new`.

    Raises:
        InputError: the folder asks for something that GteModel cannot do.
    """
    from transformers.models.gte.configuration_gte import GteConfig

    path = folder / "config.json"
    return GteConfig(**gte_settings(read_json(path), where=path))
