"""The network that learns: the encoder, with LoRA beside its linear layers or whole, and its pooling."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from osler.base.errors import InputError
from osler.models.fit.records import Ids
from osler.models.fit.settings import FitSettings
from osler.models.loading import load_model
from osler.models.recipes import Recipe
from osler.models.tokenizer import Tokenizer

POOLINGS = ("mean", "cls", "last")


@dataclass(frozen=True)
class Network:
    """An encoder that can learn.

    Attributes:
        facts: its recipe.
        tokenizer: its tokenizer.
        model: what is computed; with LoRA, PEFT's wrapper of the encoder.
        learns: the weights that learn, by name.
    """

    facts: Recipe
    tokenizer: Tokenizer
    model: Any
    learns: dict[str, Any]

    @property
    def special(self) -> int:
        """Number of special tokens of a window."""
        return len(self.tokenizer.prefix) + len(self.tokenizer.suffix)

    def hidden(self, ids: list[Ids]) -> tuple[Any, Any]:
        """Vectors of tokens.

        Args:
            ids: token ids of windows, without special tokens.

        Returns:
            float [n, longest, dimension] and bool [n, longest], which of them are no padding. Shorter windows
            are filled on the right, where no token before can see it.
        """
        import torch

        whole = [[*self.tokenizer.prefix, *one, *self.tokenizer.suffix] for one in ids]
        lengths = np.array([len(one) for one in whole])
        tokens = np.full((len(ids), int(lengths.max())), self.tokenizer.pad_id, dtype=np.int64)
        for row, one in zip(tokens, whole, strict=True):
            row[: len(one)] = one
        real = torch.from_numpy(np.arange(tokens.shape[1]) < lengths[:, None])
        out = self.model(input_ids=torch.from_numpy(tokens), attention_mask=real.long())
        return out.last_hidden_state, real

    def vectors(self, ids: list[Ids]) -> Any:
        """float [n, dimension]: pooled as the recipe says, of length 1 where it says so."""
        import torch

        hidden, real = self.hidden(ids)
        if self.facts.pooling == "cls":
            pooled = hidden[:, 0]
        elif self.facts.pooling == "last":
            pooled = hidden[torch.arange(len(ids)), real.sum(dim=1) - 1]
        else:
            weights = real.unsqueeze(-1).float()
            pooled = (hidden * weights).sum(dim=1) / weights.sum(dim=1)
        return torch.nn.functional.normalize(pooled, dim=1) if self.facts.normalise else pooled


def make_network(facts: Recipe, tokenizer: Tokenizer, settings: FitSettings) -> Network:
    """Load an encoder for fitting; its files are only read.

    Args:
        facts: recipe of the encoder.
        tokenizer: its tokenizer.
        settings: method, rank, alpha, targets and seed.

    Raises:
        InputError: a pooling that cannot be fitted, or names of layers that the encoder lacks.
    """
    import torch

    if facts.pooling not in POOLINGS:
        raise InputError(
            f"pooling '{facts.pooling}' cannot be fitted",
            where=f"encoder '{facts.name}'",
            allowed=POOLINGS,
            remedy="name another encoder",
        )
    model = load_model(facts, dtype="float32")
    for parameter in model.parameters():
        parameter.requires_grad_(settings.method == "full")
    if settings.method == "lora":
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            model = _with_lora(model, facts, settings)
    model.eval()  # no dropout: see `gradients`
    learns = {name: one for name, one in model.named_parameters() if one.requires_grad}
    return Network(facts=facts, tokenizer=tokenizer, model=model, learns=learns)


def _with_lora(model: Any, facts: Recipe, settings: FitSettings) -> Any:
    import torch

    with quiet_peft():
        from peft import LoraConfig, get_peft_model

        linear = [name for name, layer in model.named_modules() if isinstance(layer, torch.nn.Linear)]
        ends = sorted({name.rsplit(".", 1)[-1] for name in linear})
        chosen = ends if settings.targets is None else sorted(settings.targets)
        unknown = [one for one in chosen if not any(f".{name}".endswith(f".{one}") for name in linear)]
        if unknown or not linear:
            raise InputError(
                f"the encoder has no linear layer '{unknown[0] if unknown else '...'}'",
                where=f"encoder '{facts.name}'",
                count=len(unknown),
                allowed=ends,
                remedy="name layers of this encoder, or leave the choice out",
            )
        config = LoraConfig(
            r=settings.rank, lora_alpha=settings.alpha, lora_dropout=0.0, bias="none", target_modules=chosen
        )
        return get_peft_model(model, config)


@contextmanager
def quiet_peft() -> Iterator[None]:
    """PEFT brings in what warns about kernels that nobody asked for."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
