"""Where published models lie on this machine; the network is used for `hub:` names only."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from osler.base.errors import InputError
from osler.base.offline import go_offline

# A folder of models, one subfolder each, called like the recipe or like the last part of the published name.
MODELS_VARIABLE = "OSLER_MODELS"
HUB_PREFIX = "hub:"

_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
# Weights and what reads them; never code.
_FILES = ("*.safetensors", "*.json", "*.txt", "*.bin", "*.model")
_NO_FILES = ("*.onnx", "onnx/*", "openvino/*", "*.msgpack", "training_args.bin", "original/*")


def is_hub_id(name: str) -> bool:
    """Whether a name has the form of a published model's: `owner/model`.

    Examples:
        >>> is_hub_id("Qwen/Qwen3-Embedding-0.6B"), is_hub_id("minilm")
        (True, False)
    """
    return _ID.fullmatch(name) is not None


def cached_folder(model_id: str, *, name: str | None = None) -> Path:
    """The folder of a published model that is already on this machine.

    Looked for in `$OSLER_MODELS/NAME`, in `$OSLER_MODELS/` + the last part of `model_id`, and in the local
    cache of Hugging Face; never on the network.

    Args:
        model_id: its published name, `owner/model`.
        name: the name of its recipe.

    Raises:
        InputError: it is in none of these places.
    """
    home = os.environ.get(MODELS_VARIABLE)
    for folder in (name, model_id.rsplit("/", 1)[-1]):
        if home and folder and (Path(home) / folder / "config.json").is_file():
            return Path(home) / folder
        if home and folder and (Path(home) / folder / "adapter_config.json").is_file():
            return Path(home) / folder
    go_offline()
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        return Path(snapshot_download(model_id, local_files_only=True))
    except LocalEntryNotFoundError as error:
        recipe_name = f"{name}@FOLDER" if name else "its folder"
        raise InputError(
            f"the files of '{model_id}' are not on this machine",
            where=f"${MODELS_VARIABLE} and the local cache of Hugging Face",
            remedy=f"name {recipe_name}, or download it by naming {HUB_PREFIX}{model_id}",
        ) from error


def download(model_id: str) -> Path:
    """Fetch a published model that the user named with `hub:`, unless it is here already.

    Only weights, settings and tokenizer files are fetched, never code.

    Raises:
        InputError: there is no such model, or the network does not reach it.
    """
    if not is_hub_id(model_id):
        raise InputError(
            f"'{model_id}' is not the name of a published model",
            allowed=[f"{HUB_PREFIX}OWNER/MODEL"],
            remedy="write its name as its publisher does",
        )
    try:
        return cached_folder(model_id)
    except InputError:
        pass
    with _online():
        from huggingface_hub import snapshot_download

        try:
            return Path(
                snapshot_download(model_id, allow_patterns=list(_FILES), ignore_patterns=list(_NO_FILES))
            )
        except Exception as error:  # the library raises errors of several network libraries
            raise InputError(
                f"'{model_id}' cannot be downloaded: {type(error).__name__}",
                remedy="look whether the name is right, the licence is accepted and the network is there",
            ) from error


@contextmanager
def _online() -> Iterator[None]:
    """The network of huggingface_hub switched on, for as long as a download lasts."""
    from huggingface_hub import constants

    before, os.environ["HF_HUB_OFFLINE"] = os.environ.get("HF_HUB_OFFLINE"), "0"
    switch, constants.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE, False
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = switch
        if before is None:
            del os.environ["HF_HUB_OFFLINE"]
        else:
            os.environ["HF_HUB_OFFLINE"] = before
