"""Weights in 4 or 8 bits through bitsandbytes: a model of 8 billion parameters in 5 or 9 GB, also on CPU."""

import importlib.util
import logging
from typing import Any

from osler.base.errors import InputError

QUANTIZED = ("nf4", "int8")


def can_quantize() -> bool:
    """Whether bitsandbytes is installed."""
    return importlib.util.find_spec("bitsandbytes") is not None


def quantization(dtype: str) -> Any:
    """The settings of transformers for a quantized number format.

    What is not quantized (norms, embeddings) and the products are in bfloat16.

    Args:
        dtype: `nf4` (4-bit normal floats, Dettmers et al. 2023, QLoRA) or `int8` (LLM.int8, 2022).

    Raises:
        InputError: bitsandbytes is not installed.
    """
    if not can_quantize():
        raise InputError(
            f"number format '{dtype}' needs the package bitsandbytes",
            remedy="pip install 'osler[quantized]', or name another format with --dtype",
        )
    # It warns at every product in 8 bits that it rounds to float16 first.
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    import torch
    from transformers.utils.quantization_config import BitsAndBytesConfig

    if dtype == "int8":
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16
    )
