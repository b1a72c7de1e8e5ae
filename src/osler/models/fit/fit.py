"""Fitting an encoder to records: one folder with the weights and their card."""

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from osler.base.files import read_json
from osler.base.hashing import hash_json
from osler.base.output import Output
from osler.base.parallel import cores
from osler.models.fit.checkpoint import remove_state
from osler.models.fit.cost import announce
from osler.models.fit.loop import run_steps
from osler.models.fit.network import Network, make_network
from osler.models.fit.objectives import Objective, make_objective
from osler.models.fit.records import Records
from osler.models.fit.save import CARD, save_adapter, save_encoder, write_card
from osler.models.fit.settings import FitSettings
from osler.models.loading import weights_hash
from osler.models.recipes import recipe
from osler.models.tokenizer import load_tokenizer

# Raise it when a change here alters what is learned.
CODE_VERSION = 1
_CURVE = 100  # points of the loss curve in the card
PRIVATE = (
    "These weights were fitted to patient records and can give away parts of them. Treat them as patient "
    "data: keep them where the records may be kept, and do not publish them."
)


@dataclass(frozen=True)
class FitSummary:
    """What was made.

    Attributes:
        path: the folder.
        base: the encoder that was fitted.
        objective, method: how.
        split: which subjects were seen.
        n_texts: texts that were learned from.
        n_subjects: persons that they are of.
        n_tokens: tokens of these texts.
        n_weights: numbers that learned.
        steps: steps done.
        loss_first, loss_last: mean loss of the first and of the last tenth of the steps.
    """

    path: str
    base: str
    objective: str
    method: str
    split: str
    n_texts: int
    n_subjects: int
    n_tokens: int
    n_weights: int
    steps: int
    loss_first: float
    loss_last: float


def fit_encoder(
    records: Records,
    out: Path,
    *,
    encoder: str,
    settings: FitSettings,
    about: dict[str, Any],
    checkpoint_steps: int = 50,
) -> FitSummary:
    """Fit an encoder to records; the files of the encoder itself are only read.

    Args:
        records: training records, of its own tokenizer.
        out: the folder; it may exist when it is empty or holds the same work.
        encoder: a name of `RECIPES`, or the folder of an encoder.
        settings: how.
        about: what the card says of the records, JSON-ready; `split` says which subjects they are of. It must
            not speak of other subjects than these.
        checkpoint_steps: steps between checkpoints; the result does not depend on it.

    Returns:
        Counts and losses, read back from `card.json`.

    Raises:
        InputError: no such encoder; an objective, layers or a pooling that do not apply; too few records; a
            loss that is no number.
    """
    facts = recipe(encoder)
    weights = weights_hash(facts)
    tokenizer = load_tokenizer(encoder)
    key = hash_json(
        {
            "code": CODE_VERSION,
            "records": records.hash,
            "encoder": facts.facts(),
            "weights": weights,
            "tokenizer": tokenizer.hash,
            "settings": settings.shaping(),
            "about": about,
        }
    )
    job = Output(out, key=key)
    if not job.complete:
        network = make_network(facts, tokenizer, settings)
        objective = make_objective(network, records, settings)
        with job as part:
            threads = settings.threads or cores()
            announce(network, objective, records, settings, threads=threads)
            losses = run_steps(
                network, objective, settings, part, threads=threads, checkpoint_steps=checkpoint_steps
            )
            (save_adapter if settings.method == "lora" else save_encoder)(part, network)
            card = _card(network, objective, records, settings, losses)
            card |= {"base_weights_sha256": weights, "base_tokenizer_sha256": tokenizer.hash, **about}
            write_card(part, card)
            remove_state(part)
    return read_summary(out)


def read_summary(folder: Path) -> FitSummary:
    """What a folder of fitted weights holds."""
    card = read_json(folder / CARD)
    names = ("objective", "method", "split", "n_texts", "n_subjects", "n_tokens", "n_weights", "steps")
    return FitSummary(
        path=str(folder),
        base=card["base"],
        loss_first=card["loss"]["first"],
        loss_last=card["loss"]["last"],
        **{name: card[name] for name in names},
    )


def _card(
    network: Network,
    objective: Objective,
    records: Records,
    settings: FitSettings,
    losses: list[float],
) -> dict[str, Any]:
    """The card without what names files; it bears no date, so that its bytes repeat."""
    facts = network.facts
    tenth = max(len(losses) // 10, 1)
    points = np.unique(np.linspace(0, len(losses) - 1, min(len(losses), _CURVE)).astype(int))
    made_with = {"torch": version("torch"), "transformers": version("transformers")}
    if settings.method == "lora":
        made_with["peft"] = version("peft")
    return {
        "format_version": 1,
        "kind": "adapter" if settings.method == "lora" else "encoder",
        "patient_data": True,
        "notice": PRIVATE,
        "base": facts.name,
        "base_model_id": facts.model_id,
        "base_revision": facts.revision,
        "base_licence": facts.licence,
        "architecture": facts.architecture,
        "pooling": facts.pooling,
        "normalise": facts.normalise,
        "dimension": facts.dimension,
        "context": facts.context,
        "objective": settings.objective,
        "method": settings.method,
        "settings": {**settings.shaping(), "learning_rate": settings.peak_learning_rate},
        "head": None if objective.head is None else "thrown away",
        "texts_sha256": records.hash,
        "n_texts": records.n,
        "n_skipped": objective.n_skipped,
        "n_subjects": len(np.unique(records.person)),
        "n_tokens": records.n_tokens,
        "n_divided": records.n_cut,
        "n_weights": sum(int(np.prod(one.shape)) for one in network.learns.values()),
        "steps": len(losses),
        "loss": {
            "first": float(np.mean(losses[:tenth])),
            "last": float(np.mean(losses[-tenth:])),
            "curve": [[int(i) + 1, losses[i]] for i in points],
        },
        "code_version": CODE_VERSION,
        "made_with": made_with,
    }
