"""Names of encoders: `BASE[:DIMENSION][+ADAPTER...]`, where BASE is a recipe, a folder or a published model.

What differs between encoders is data, not code: where the files are, how token vectors are pooled, how many
tokens fit, and which licence holds (`recipe_table`).
"""

import re
from dataclasses import replace
from pathlib import Path

from osler.base.errors import InputError
from osler.models.adapter import require_adapter_folder
from osler.models.facts import POOLINGS, Recipe
from osler.models.folders import recipe_of_folder
from osler.models.hub import HUB_PREFIX, cached_folder, download, is_hub_id
from osler.models.recipe_table import RECIPES
from osler.models.servers.address import is_server
from osler.models.servers.encoder import load_server_encoder

__all__ = ["POOLINGS", "RECIPES", "Recipe", "recipe", "recipe_of_folder"]

_CUT = re.compile(r"(.+):(\d+)")


def recipe(name: str) -> Recipe:
    """The recipe of an encoder.

    Args:
        name: one of

            - a name of `RECIPES`, whose files are in `$OSLER_MODELS` or the local cache of Hugging Face;
            - `NAME@FOLDER`: the facts of that recipe, the files of that folder;
            - the path of a folder of one of the known architectures;
            - the address of a server (`osler.models.servers.address.parse_address`);
            - `OWNER/MODEL`, a published model that is in the local cache; `hub:OWNER/MODEL` fetches it;

            then `:DIMENSION` for shorter vectors where the model allows them, then any number of `+FOLDER`
            of adapters in the format of PEFT.

    Raises:
        InputError: no such encoder, dimension or adapter.

    Examples:
        >>> recipe("qwen3-embedding-8b:1024").dimension
        1024
    """
    if is_server(name):
        return load_server_encoder(name).facts
    base, adapters = _split_adapters(name)
    facts = _with_dimension(base)
    for adapter in adapters:
        require_adapter_folder(adapter)
        folder = adapter.resolve()
        facts = replace(facts, name=f"{facts.name}+{folder.name}", adapters=(*facts.adapters, str(folder)))
    return facts


def _split_adapters(name: str) -> tuple[str, list[Path]]:
    """Base and folders of adapters; a plus sign inside the path of a folder does not divide it."""
    parts: list[str] = []
    for piece in name.split("+"):
        if parts and not _is_whole(parts[-1], first=len(parts) == 1):
            parts[-1] += f"+{piece}"
        else:
            parts.append(piece)
    whole = Path(name).is_dir() or len(parts) == 1
    return (name, []) if whole else (parts[0], [Path(part) for part in parts[1:]])


def _is_whole(part: str, *, first: bool) -> bool:
    """Whether what stands before a plus sign is complete: a folder or, at the beginning, a name."""
    bare = part if Path(part).is_dir() else re.sub(r":\d+$", "", part.rsplit("@", 1)[-1])
    return Path(bare).is_dir() or (first and "@" not in part and not part.startswith((".", "/")))


def _with_dimension(name: str) -> Recipe:
    found = None if Path(name).is_dir() else _CUT.fullmatch(name)
    if found is None:
        return _of_base(name)
    facts, dimension = _of_base(found[1]), int(found[2])
    if dimension == facts.dimension:
        return facts
    width = facts.width or facts.dimension
    if dimension not in facts.cuts and not (
        facts.cuts and not facts.heads and min(facts.cuts) <= dimension < width
    ):
        raise InputError(
            f"encoder '{facts.name}' has no vectors of dimension {dimension}",
            allowed=[facts.dimension, *facts.cuts],
            remedy="name one of these dimensions, or none",
        )
    heads = tuple(re.sub(r"\d+$", str(dimension), head) for head in facts.heads)
    return replace(facts, name=f"{facts.name}:{dimension}", dimension=dimension, heads=heads)


def _of_base(name: str) -> Recipe:
    if not name.strip():
        raise InputError("the name of the encoder is empty", allowed=list(RECIPES), remedy="name one")
    if name.startswith((".", "/", "~")) and not Path(name).is_dir():
        raise InputError("no folder of an encoder", where=name, remedy="name one that is there")
    if name in RECIPES:
        return RECIPES[name]
    if Path(name).is_dir():
        return recipe_of_folder(Path(name))
    known, _, folder = name.partition("@")
    if known in RECIPES and folder:
        if not Path(folder).is_dir():
            raise InputError(f"no folder for encoder '{known}'", where=folder)
        # The hash of the package's weights says nothing about those of another folder.
        return replace(
            RECIPES[known],
            folder=str(Path(folder).resolve()),
            package=None,
            subfolder="",
            weights_sha256=None,
        )
    if name.startswith(HUB_PREFIX):
        return _of_published(name.removeprefix(HUB_PREFIX), fetch=True)
    if is_hub_id(name):
        return _of_published(name, fetch=False)
    raise InputError(
        f"no encoder '{name}'",
        allowed=[*RECIPES, "NAME@FOLDER", "the path of a folder", "hub:OWNER/MODEL"],
        remedy="name one of these",
    )


def _of_published(model_id: str, *, fetch: bool) -> Recipe:
    folder = download(model_id) if fetch else cached_folder(model_id)
    for row in RECIPES.values():
        if row.model_id == model_id:
            if fetch:
                for adapter in row.merges:
                    download(adapter)
            return replace(row, folder=str(folder), package=None, subfolder="", weights_sha256=None)
    facts = recipe_of_folder(folder)
    return replace(facts, name=model_id.rsplit("/", 1)[-1], model_id=model_id, revision=folder.name)
