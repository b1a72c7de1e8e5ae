"""Writing what was fitted: an adapter as PEFT reads it, or a whole encoder in the layout of its base.

The weights have seen patients, and models can be made to tell what they have seen: only the owner may read
the files.
"""

import json
from pathlib import Path
from typing import Any

from osler.base.files import read_json, write_bytes
from osler.models.fit.network import Network, quiet_peft

CARD = "card.json"
_COPIED = (".json", ".txt", ".model")


def save_adapter(folder: Path, network: Network) -> None:
    """Write `adapter_config.json` and `adapter_model.safetensors`, without places on this machine."""
    with quiet_peft():
        from peft import get_peft_model_state_dict

        tensors = get_peft_model_state_dict(network.model)
    config = network.model.peft_config["default"].to_dict()
    config["base_model_name_or_path"] = network.facts.model_id
    config["inference_mode"] = True
    _write_json(folder / "adapter_config.json", config)
    _write_tensors(folder / "adapter_model.safetensors", tensors)


def save_encoder(folder: Path, network: Network) -> None:
    """Write all weights, beside a copy of the base's settings, tokenizer and pooling."""
    base = network.facts.path()
    for path in sorted(base.iterdir()):
        if path.is_file() and path.suffix in _COPIED and not path.name.endswith(".index.json"):
            write_bytes(folder / path.name, path.read_bytes(), private=True)
    modules = read_json(base / "modules.json") if (base / "modules.json").is_file() else []
    for name in sorted({str(module.get("path") or "") for module in modules} - {""}):
        for path in sorted((base / name).glob("*")):
            write_bytes(folder / name / path.name, path.read_bytes(), private=True)
    _write_tensors(folder / "model.safetensors", network.model.state_dict())


def write_card(folder: Path, card: dict[str, Any]) -> None:
    """Write `card.json`: what the weights are, what they were made from, and who may see them."""
    _write_json(folder / CARD, card, sort=False)


def _write_json(path: Path, value: Any, *, sort: bool = True) -> None:
    """Sets, whose order is by chance, are sorted; all else is as PEFT spells it."""
    text = json.dumps(value, indent=2, sort_keys=sort, ensure_ascii=False, allow_nan=False, default=_plain)
    write_bytes(path, text.encode() + b"\n", private=True)


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, set | frozenset) else str(getattr(value, "value", value))


def _write_tensors(path: Path, tensors: dict[str, Any]) -> None:
    from safetensors.torch import save

    plain = {name: one.detach().clone().contiguous() for name, one in tensors.items()}
    write_bytes(path, save(plain, metadata={"format": "pt"}), private=True)
