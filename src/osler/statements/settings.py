"""What a person may ask of `osler text`."""

from typing import Literal

from pydantic import Field, field_validator

from osler.base.settings import Settings
from osler.statements.styles import STYLES


class TextSettings(Settings):
    """Settings of `make_texts`, stored in `texts.json`.

    Attributes:
        style: name of a text style (`osler.statements.styles.STYLES`).
        budget: most tokens of one text; statements are dropped oldest-first until it holds.
        tokenizer: the encoder whose tokenizer counts (`osler.models.tokenizer.load_tokenizer`).
        lookback: only events of that many days before the prediction time; facts without a time stay.
        drop_sections: sections to leave out, for instance `labs`; `age` and `sex` have sections of their own.
        notes: how notes are shown beside the events: `sentences` (one statement each) or `whole`; None: not.

    Examples:
        >>> TextSettings(style="trend", budget=512).lookback is None
        True
    """

    style: str = "list-recent"
    budget: int = Field(default=2048, ge=1)
    tokenizer: str = "minilm"
    lookback: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    drop_sections: tuple[str, ...] = ()
    notes: Literal["sentences", "whole"] | None = None

    @field_validator("style")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in STYLES:
            raise ValueError(f"no style '{name}'; allowed: {', '.join(STYLES)}")
        return name
