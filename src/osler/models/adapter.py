"""Adapters in the format of PEFT: checked against the base model, merged into it, part of its hash."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osler.base.errors import InputError
from osler.base.files import read_json
from osler.base.hashing import hash_file, hash_json

if TYPE_CHECKING:
    from osler.models.facts import Recipe

ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"
CARD = "card.json"


def require_adapter_folder(folder: Path) -> None:
    """Refuse a folder that is no adapter.

    Raises:
        InputError: it is not there, a file is missing, or it is no LoRA adapter.
    """
    for name in (ADAPTER_CONFIG, ADAPTER_WEIGHTS):
        if not (folder / name).is_file():
            raise InputError(
                f"'{name}' of the adapter is missing",
                where=folder,
                remedy="name a folder that `osler encoders fit` or PEFT's save_pretrained made",
            )
    kind = read_json(folder / ADAPTER_CONFIG).get("peft_type")
    if kind != "LORA":
        raise InputError(f"adapters of type {kind} are not supported", where=folder, allowed=["LORA"])


def adapter_hash(folder: Path) -> str:
    """SHA-256 of what an adapter does: its settings and its weights."""
    config = read_json(folder / ADAPTER_CONFIG)
    # Where the base model lay, and how adapters are loaded, does not change a vector.
    settings = {
        key: config.get(key) for key in ("r", "lora_alpha", "target_modules", "use_rslora", "use_dora")
    }
    if isinstance(settings["target_modules"], list):
        settings["target_modules"] = sorted(settings["target_modules"])
    patterns = {key: config.get(key) or {} for key in ("rank_pattern", "alpha_pattern")}
    return hash_json({**settings, **patterns, "weights": hash_file(folder / ADAPTER_WEIGHTS)})


def require_same_base(folder: Path, facts: "Recipe", *, base_sha256: str, before: list[str]) -> None:
    """Refuse an adapter that was made for another base model.

    Its card decides where it states the hash of the base's weights; else the name of the base, of which the
    last part is compared, since folders move.

    Args:
        folder: the adapter.
        facts: the recipe of the base.
        base_sha256: hash of the weights it is to be merged into, adapters merged before included.
        before: published names of adapters merged before it, which may be called its base.

    Raises:
        InputError: it is another base.
    """
    card = read_json(folder / CARD) if (folder / CARD).is_file() else {}
    stated = card.get("base_weights_sha256")
    if stated is not None:
        if stated != base_sha256:
            raise InputError(
                f"the adapter was made for other weights than those of '{facts.name}': SHA-256 {stated}",
                where=folder / CARD,
                allowed=[base_sha256],
                remedy="name the base that the card states, or fit a new adapter",
            )
        return
    base = str(read_json(folder / ADAPTER_CONFIG).get("base_model_name_or_path") or "")
    places = [] if facts.folder is None else [facts.folder]
    names = {_last(name) for name in (facts.name.split("+")[0], facts.model_id, *places, *before)}
    names |= {_last(facts.subfolder)} if facts.subfolder else set()
    if base and _last(base) not in names:
        raise InputError(
            f"the adapter was made for '{_last(base)}', not for encoder '{facts.name}'",
            where=folder / ADAPTER_CONFIG,
            allowed=sorted(names),
            remedy="name its own base; if it is this one under another name, correct base_model_name_or_path",
        )


def _last(name: str) -> str:
    last = name.rstrip("/").rsplit("/", 1)[-1]
    return re.sub(r"^(Meta-)(?=Llama)", "", last)


def add_adapter(model: Any, folder: Path, *, merge: bool) -> Any:
    """Put an adapter on a model.

    Args:
        model: the base model, which is changed.
        folder: the adapter.
        merge: whether its products are added to the weights, which costs nothing afterwards; quantized
            weights would be rounded once more, so there the adapter stays beside them.

    Returns:
        The model.

    Raises:
        InputError: weights are missing, too many, or of other shapes than the base needs.
    """
    from peft import LoraConfig, get_peft_model, set_peft_model_state_dict
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    config = LoraConfig.from_pretrained(str(folder))
    config.inference_mode = True
    # The model without a head: what the adapter was made for makes no difference to its hidden states.
    config.task_type = None
    # Compared before, by `require_same_base`; PEFT would warn of another path on standard error.
    config.base_model_name_or_path = None
    try:
        weights = _renamed(load_file(folder / ADAPTER_WEIGHTS))
        adapted = get_peft_model(model, config)
        expected = {
            name.replace(".default.", ".") for name, _ in adapted.named_parameters() if "lora_" in name
        }
        if expected != set(weights):
            odd = sorted(expected ^ set(weights))
            raise InputError(
                f"the adapter does not fit the base, the first weight on one side only is '{odd[0]}'",
                where=folder / ADAPTER_WEIGHTS,
                count=len(odd),
                remedy="name the base that it was made for",
            )
        set_peft_model_state_dict(adapted, weights)
    except (RuntimeError, ValueError, KeyError, OSError, SafetensorError) as error:
        raise InputError(
            f"the adapter does not fit the base: {error}",
            where=folder / ADAPTER_WEIGHTS,
            remedy="name the base that it was made for",
        ) from error
    return adapted.merge_and_unload(safe_merge=True) if merge else adapted.base_model.model


def _renamed(weights: dict[str, Any]) -> dict[str, Any]:
    """Names as for a model without head: those of a model with one begin with one `model.` more."""
    prefix = "base_model.model."
    bodies = ("model.", "bert.", "roberta.", "distilbert.", "gte.", "new.")
    renamed = {}
    for name, value in weights.items():
        inner = name.removeprefix(prefix)
        body = next((body for body in bodies if inner.startswith(body)), "")
        renamed[prefix + inner.removeprefix(body)] = value
    return renamed
