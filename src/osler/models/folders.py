"""What the folder of an encoder says about itself: its facts, and which files hold its weights."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from osler.base.errors import InputError
from osler.base.files import read_json
from osler.models.architectures import ARCHITECTURES, Architecture
from osler.models.facts import POOLINGS, Recipe

# Files of weights, the first that is there counts. Pickled weights are read as numbers only, never as code.
_INDEXES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
_SINGLE = ("model.safetensors", "pytorch_model.bin")
TOKENIZER_FILES = ("tokenizer.json", "vocab.txt")

# Names of pooling modes in a sentence encoder's own `1_Pooling/config.json`.
_POOLING_KEYS = {
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_cls_token": "cls",
    "pooling_mode_lasttoken": "last",
    "lasttoken": "last",
}
# Longest window of a decoder whose folder states no other: attention to more costs more than it gives.
_DECODER_CONTEXT = 8192


def weight_files(folder: Path) -> list[Path]:
    """The files that hold the weights, in the order of their names; more than one where they are sharded.

    Raises:
        InputError: there are none, or one that the index names is missing.
    """
    for name in (_SINGLE[0], _INDEXES[0], _SINGLE[1], _INDEXES[1]):
        path = folder / name
        if not path.is_file():
            continue
        if name in _SINGLE:
            return [path]
        files = [folder / part for part in sorted(set(read_json(path)["weight_map"].values()))]
        missing = [part for part in files if not part.is_file()]
        if missing:
            raise InputError(
                f"weights are missing: '{missing[0].name}', which the index names",
                where=path,
                count=len(missing),
                remedy="download the encoder again",
            )
        return files
    raise InputError(
        "the encoder has no model.safetensors",
        where=folder,
        allowed=[*_SINGLE, *_INDEXES],
        remedy="download the encoder again",
    )


def recipe_of_folder(folder: Path) -> Recipe:
    """Read the facts from a folder in the layout of sentence-transformers, or of a plain model.

    Args:
        folder: holds `config.json`, a tokenizer and weights; where `modules.json` is missing, token vectors
            are averaged and not normalised, as sentence-transformers does.

    Raises:
        InputError: a file is missing, or the folder asks for something that is not supported.
    """
    config_file = folder / "config.json"
    if not config_file.is_file():
        raise _missing("config.json", folder)
    if not any((folder / name).is_file() for name in TOKENIZER_FILES):
        raise _missing("tokenizer.json", folder)
    weight_files(folder)
    config = read_json(config_file)
    name = str(config.get("model_type"))
    if name not in ARCHITECTURES:
        raise InputError(
            f"architecture '{name}' is not supported",
            where=config_file,
            allowed=ARCHITECTURES,
            remedy="name a folder with an encoder of one of these architectures",
        )
    known = ARCHITECTURES[name]
    width = hidden_size(config)
    layout = _layout_of(folder, width)
    positions = int(config.get("max_position_embeddings", 512)) - known.reserved
    tokenizer = _optional(folder / "tokenizer_config.json")
    prompt = _prompt(folder)
    causal = known.decoder and config.get("is_causal", True) is not False
    return Recipe(
        name=folder.resolve().name,
        model_id=str(config.get("_name_or_path") or folder.resolve().name),
        revision="folder",
        architecture=name,
        pooling=layout.pooling,
        normalise=layout.normalise,
        padding_side=str(tokenizer.get("padding_side", "left")) if known.decoder else "right",
        prompt=prompt,
        context=_context(layout.longest, positions, known),
        dimension=layout.dimension,
        licence="see its folder",
        follows_instructions=prompt is not None,
        prompt_side="none" if prompt is None else "queries",
        attention="causal" if causal else "bidirectional",
        heads=layout.heads,
        width=width,
        after=_end_token(tokenizer),
        folder=str(folder.resolve()),
    )


def hidden_size(config: dict[str, Any]) -> int:
    """Length of a token vector, by `config.json`."""
    return int(config.get("hidden_size") or config.get("dim") or 0)


def _missing(name: str, folder: Path) -> InputError:
    return InputError(
        f"'{name}' is missing",
        where=folder,
        remedy="name a folder with config.json, tokenizer.json and model.safetensors",
    )


def _optional(path: Path) -> dict[str, Any]:
    return dict(read_json(path)) if path.is_file() else {}


def _context(longest: int | None, positions: int, known: Architecture) -> int:
    if longest is None and known.decoder:
        longest = _DECODER_CONTEXT
    return min(longest or positions, positions)


def _end_token(tokenizer: dict[str, Any]) -> str:
    """The token that the folder wants after each text, where its own code would add it."""
    token = tokenizer.get("eos_token") if tokenizer.get("add_eos_token") is True else None
    return str(token.get("content", "")) if isinstance(token, dict) else str(token or "")


def _prompt(folder: Path) -> str | None:
    """The template of the folder's own prompts, with its instruction replaced by a place for ours."""
    prompts = _optional(folder / "config_sentence_transformers.json").get("prompts") or {}
    for value in prompts.values():
        head, mark, tail = str(value).partition("\nQuery:")
        if head.startswith("Instruct: ") and mark and "{" not in tail:
            return f"Instruct: {{instruction}}{mark}{tail}{{text}}"
    return None


@dataclass(frozen=True)
class _Layout:
    """What `modules.json` and the files it names say."""

    pooling: str
    normalise: bool
    longest: int | None
    heads: tuple[str, ...]
    dimension: int


def _layout_of(folder: Path, width: int) -> _Layout:
    modules_file = folder / "modules.json"
    if not modules_file.is_file():
        return _Layout("mean", normalise=False, longest=None, heads=(), dimension=width)
    modules = read_json(modules_file)
    kinds = [str(module["type"]).rsplit(".", 1)[-1] for module in modules]
    heads = tuple(str(module["path"]) for module, kind in zip(modules, kinds, strict=True) if kind == "Dense")
    expected = ["Transformer", "Pooling", *["Dense"] * len(heads)]
    if kinds not in (expected, [*expected, "Normalize"]) or modules[0]["path"] not in ("", "."):
        raise InputError(
            f"modules {kinds} are not supported",
            where=modules_file,
            allowed=["Transformer, Pooling[, Dense...][, Normalize]"],
        )
    dimension = width
    for head in heads:
        dimension = int(read_json(folder / head / "config.json")["out_features"])
    longest = _optional(folder / "sentence_bert_config.json").get("max_seq_length")
    return _Layout(
        pooling=_pooling(folder / str(modules[1]["path"]) / "config.json"),
        normalise=kinds[-1] == "Normalize",
        longest=None if longest is None else int(longest),
        heads=heads,
        dimension=dimension,
    )


def _pooling(path: Path) -> str:
    settings = read_json(path)
    chosen = [key for key, value in settings.items() if key.startswith("pooling_mode_") and value is True]
    named = settings.get("pooling_mode")
    modes = [_POOLING_KEYS.get(key, key) for key in (chosen or ([str(named)] if named else []))]
    if len(modes) != 1 or modes[0] not in POOLINGS[:3]:
        raise InputError(f"pooling {modes} is not supported", where=path, allowed=POOLINGS[:3])
    return str(modes[0])
