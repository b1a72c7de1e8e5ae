"""Loading the weights of an encoder from its folder: checked, silent, no code of the folder run."""

import importlib
import logging as standard_logging
import pickle
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from osler.base.errors import InputError
from osler.base.files import read_json
from osler.base.offline import go_offline
from osler.models.adapter import add_adapter, require_adapter_folder, require_same_base
from osler.models.architectures import ARCHITECTURES
from osler.models.device import free_memory
from osler.models.facts import Recipe
from osler.models.folders import hidden_size
from osler.models.gte import gte_config
from osler.models.pooling import load_head
from osler.models.probe import bfloat16_pays
from osler.models.quantized import QUANTIZED, quantization
from osler.models.weights import base_hash, bytes_needed, weights_hash, with_adapter

__all__ = ["DTYPES", "choose_dtype", "load_heads", "load_model", "weights_hash"]

DTYPES = ("float32", "bfloat16", *QUANTIZED)


def load_model(facts: Recipe, *, dtype: str, device: str = "cpu") -> Any:
    """Load the model for inference, adapters merged.

    Args:
        facts: the recipe.
        dtype: `float32`, `bfloat16`, `nf4` or `int8`.
        device: `cpu` or `cuda`.

    Raises:
        InputError: the weights are incomplete, do not fit `config.json` or the memory of this machine, or
            an adapter was made for another base.
    """
    go_offline()
    _require_fitting_folder(facts)
    _require_memory(facts, dtype, device)
    base = _load_base(facts, dtype, device)
    _merge_adapters(base, facts, dtype)
    # Quantized weights were put there while they were read.
    placed = base if dtype in QUANTIZED else base.to(device)
    return placed.eval().requires_grad_(requires_grad=False)


def _load_base(facts: Recipe, dtype: str, device: str) -> Any:
    import torch
    from huggingface_hub.errors import StrictDataclassError
    from safetensors import SafetensorError

    known = ARCHITECTURES[facts.architecture]
    kind = getattr(importlib.import_module(f"transformers.models.{known.module}"), known.kind)
    options: dict[str, Any] = {"add_pooling_layer": False} if known.pooler else {}
    if facts.architecture == "new":
        options["config"] = gte_config(facts.path())
    if dtype in QUANTIZED:
        options |= {"quantization_config": quantization(dtype), "device_map": {"": device}}
    try:
        with _quiet(), torch.random.fork_rng(devices=[]):
            model, report = kind.from_pretrained(
                facts.path(),
                local_files_only=True,
                trust_remote_code=False,
                attn_implementation="sdpa",
                dtype=torch.bfloat16 if dtype in QUANTIZED else getattr(torch, dtype),
                output_loading_info=True,
                **options,
            )
    except pickle.UnpicklingError as error:
        raise InputError(
            f"the weights of encoder '{facts.name}' hold more than numbers",
            where=facts.path(),
            remedy="get it as model.safetensors",
        ) from error
    except (SafetensorError, StrictDataclassError, RuntimeError, OSError, ValueError) as error:
        raise InputError(
            f"encoder '{facts.name}' cannot be loaded: {error}",
            where=facts.path(),
            remedy="download the encoder again",
        ) from error
    for kind_of, keys in (("are missing", "missing_keys"), ("have other shapes", "mismatched_keys")):
        found = sorted(str(key) for key in report[keys])
        if found:
            raise InputError(
                f"weights {kind_of}, the first is '{found[0]}'",
                where=facts.path(),
                count=len(found),
                remedy="download the encoder again",
            )
    if known.decoder:
        # Otherwise transformers would follow `config.json`, and the recipe is what was tested.
        model.config.is_causal = facts.attention == "causal"
    return model


def _merge_adapters(model: Any, facts: Recipe, dtype: str) -> None:
    """Put all adapters on the model, each checked against what it is merged into."""
    paths = facts.adapter_paths()
    sha256 = base_hash(facts) if paths else ""
    before: list[str] = []
    for number, path in enumerate(paths):
        require_adapter_folder(path)
        require_same_base(path, facts, base_sha256=sha256, before=before)
        with _quiet():
            add_adapter(model, path, merge=dtype not in QUANTIZED)
        sha256 = with_adapter(sha256, path)
        before.append(facts.merges[number] if number < len(facts.merges) else path.name)


def load_heads(facts: Recipe, *, device: str = "cpu") -> list[Any]:
    """The dense heads of an encoder, in order, in float32; most have none.

    Args:
        facts: the recipe.
        device: `cpu` or `cuda`.

    Raises:
        InputError: one is missing, does not fit its settings, or the vectors that come to it.
    """
    heads = [load_head(facts.path() / name) for name in facts.heads]
    width = facts.width or facts.dimension
    for name, head in zip(facts.heads, heads, strict=True):
        if head[0].in_features != width:
            raise InputError(
                f"the dense head takes vectors of {head[0].in_features} numbers, it is given {width}",
                where=facts.path() / name,
                remedy="download the encoder again",
            )
        width = head[0].out_features
    if width < facts.dimension or (heads and width != facts.dimension):
        raise InputError(
            f"the vectors have {width} numbers, not the {facts.dimension} of encoder '{facts.name}'",
            where=facts.path(),
        )
    return [head.to(device) for head in heads]


def _require_fitting_folder(facts: Recipe) -> None:
    """Refuse a folder that holds another model than the recipe describes."""
    path = facts.path() / "config.json"
    if not path.is_file():
        raise InputError("'config.json' is missing", where=facts.path(), remedy="name the folder of a model")
    config = read_json(path)
    found, width = str(config.get("model_type")), hidden_size(config)
    same = {"new": ("new", "gte"), "gte": ("new", "gte")}.get(facts.architecture, (facts.architecture,))
    if found not in same:
        raise InputError(
            f"encoder '{facts.name}' is of architecture '{facts.architecture}', the folder of '{found}'",
            where=path,
            allowed=same,
        )
    if width != (facts.width or facts.dimension):
        raise InputError(
            f"encoder '{facts.name}' has token vectors of {facts.width or facts.dimension} numbers, "
            f"the folder of {width}",
            where=path,
            remedy="name the folder of that encoder",
        )


def _require_memory(facts: Recipe, dtype: str, device: str) -> None:
    """Refuse what would be killed by the system for want of memory."""
    needed, free = bytes_needed(facts.parameters, dtype), free_memory(device)
    if needed > free:
        raise InputError(
            f"encoder '{facts.name}' needs about {needed / 1e9:.0f} GB of memory in {dtype}, "
            f"{free / 1e9:.0f} GB are free",
            remedy="use --dtype nf4, a smaller encoder, or another machine",
        )


def choose_dtype(dtype: str, facts: Recipe | None = None, *, device: str = "cpu") -> str:
    """The number format to compute in.

    Args:
        dtype: a name of `DTYPES`, or `auto`: the one of the recipe; where it names none, bfloat16 where a
            measurement finds it enough faster (`osler.models.probe`; vectors differ in the third digit), else
            float32.
        facts: the recipe, or None.
        device: `cpu` or `cuda`.

    Raises:
        InputError: another name.
    """
    if dtype == "auto" and facts is not None:
        dtype = facts.dtype
    if dtype == "auto":
        return "bfloat16" if bfloat16_pays(device) else "float32"
    if dtype not in DTYPES:
        raise InputError(f"no number format '{dtype}'", allowed=["auto", *DTYPES])
    return dtype


@contextmanager
def _quiet() -> Iterator[None]:
    """No progress bars and no loading report: standard error is for what a person must know."""
    from transformers.utils import logging

    before = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    quantizer = standard_logging.getLogger("bitsandbytes")
    level, quantizer.level = quantizer.level, standard_logging.ERROR
    try:
        with warnings.catch_warnings():
            # PEFT and transformers tell each other what will be renamed.
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        quantizer.level = level
        logging.set_verbosity(before)
