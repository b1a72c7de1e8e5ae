"""What a person may ask of a representation; in a study, the blocks below `representations`."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from osler.base.settings import Settings

Aggregation = Literal["count", "last", "min", "max", "sum"]
AGGREGATIONS: tuple[Aggregation, ...] = ("count", "last", "min", "max", "sum")
Window = tuple[float, float | None]
EVER: Window = (0.0, None)


class CountSettings(Settings):
    """Counts and values of codes in windows before the prediction time.

    Attributes:
        kind: `counts`.
        windows: (from, to) in days before the prediction time, half-open: from <= days before < to. `to` None
            means since ever; facts without a time belong to (0, None) only.
        aggregations: what is computed per code and window; all but `count` are of numeric values.
        text_length: most characters of a text value that counts as a category of its code (`code=value`);
            notes never do. 0: none.
        age: whether the age in years at the prediction time is a feature.
        min_samples: fewest training samples that have a column for it to be used; at most 1 % of them.

    Examples:
        >>> [window_name(window) for window in CountSettings().windows]
        ['0-1d', '1-30d', '30-365d', 'ever']
    """

    kind: Literal["counts"] = "counts"
    windows: tuple[Window, ...] = ((0.0, 1.0), (1.0, 30.0), (30.0, 365.0), EVER)
    aggregations: tuple[Aggregation, ...] = AGGREGATIONS
    text_length: int = Field(default=40, ge=0)
    age: bool = True
    min_samples: int = Field(default=10, ge=1)

    @field_validator("windows")
    @classmethod
    def _are_windows(cls, windows: tuple[Window, ...]) -> tuple[Window, ...]:
        if not windows:
            raise ValueError("at least one window is needed")
        for start, stop in windows:
            if start < 0 or (stop is not None and stop <= start):
                raise ValueError(f"({start}, {stop}) is no window; needed is 0 <= from < to, in days before")
        if len(set(windows)) < len(windows):
            raise ValueError("a window is given twice")
        return windows

    @field_validator("aggregations")
    @classmethod
    def _are_different(cls, names: tuple[Aggregation, ...]) -> tuple[Aggregation, ...]:
        if not names or len(set(names)) < len(names):
            raise ValueError("at least one aggregation is needed, each once")
        return names


class TypedSettings(Settings):
    """What becomes a variable of a typed table: `osler.represent.typed_read.typed_table`.

    Columns of a table (codes `COL//...`) are variables as they are. Codes of records of events are many and
    mostly rare, so `min_share` and `max_levels` decide on them.

    Attributes:
        exclude: patterns (`*`, `?`, `[...]`; upper and lower case differ) of codes that take no part; of a
            column of a table the name is enough.
        interventions: whether codes with the role `intervention` take part.
        age: whether the age in years at the prediction time is a variable.
        min_share: share of the samples for which a code must be known; a flag must be 1, and be 0, for at
            least this share of those for which it is known; two levels of a choice must have it.
        max_levels: most values of a text that is a choice, where the code book has no levels; more are free
            text.
        lookback: only events of less than so many days before the prediction time, and facts without a time;
            None: any.

    Examples:
        >>> TypedSettings(exclude=("sqi*",)).min_share
        0.05
    """

    exclude: tuple[str, ...] = ()
    interventions: bool = False
    age: bool = True
    min_share: float = Field(default=0.05, ge=0, lt=0.5)
    max_levels: int = Field(default=20, ge=2)
    lookback: float | None = Field(default=None, gt=0)


class EncodeSettings(Settings):
    """What `osler encode` makes: one folder = one encoder x unit x instruction.

    Attributes:
        encoder: name of a recipe (`osler encoders list`), a folder, or more (`osler.models.recipes.recipe`).
        unit: `document` (one vector per sample) or `statement` (one per distinct statement).
        instruction: `none`, `generic`, `task:NAME` or the path of a text file.
        dtype: number format; `auto` is the recipe's, or bfloat16 where the processor has units for it.
        on_overflow: what is done with a text longer than a window of the encoder: `window` (its windows are
            encoded and averaged), `truncate` (its first window only) or `error` (the job is refused).
    """

    encoder: str = "minilm"
    unit: Literal["document", "statement"] = "document"
    instruction: str = "none"
    dtype: Literal["auto", "float32", "bfloat16", "nf4", "int8"] = "auto"
    on_overflow: Literal["window", "error", "truncate"] = "window"


class OfTextSettings(Settings):
    """What representations by an encoder have in common.

    Attributes:
        text: name of the texts in the study.
        encoder, instruction, dtype, on_overflow: as in `EncodeSettings`.
    """

    kind: Literal["document", "statement", "section"]
    text: str = "main"
    encoder: str = "minilm"
    instruction: str = "none"
    dtype: Literal["auto", "float32", "bfloat16", "nf4", "int8"] = "auto"
    on_overflow: Literal["window", "error", "truncate"] = "window"

    def encode_settings(self) -> EncodeSettings:
        """The vectors that this representation needs."""
        return EncodeSettings(
            encoder=self.encoder,
            unit="document" if self.kind == "document" else "statement",
            instruction=self.instruction,
            dtype=self.dtype,
            on_overflow=self.on_overflow,
        )


class DocumentSettings(OfTextSettings):
    """One vector per sample: the whole text, in windows of the encoder's context.

    Attributes:
        kind: `document`.
    """

    kind: Literal["document"] = "document"


class StatementSettings(OfTextSettings):
    """One vector per distinct statement, pooled per sample inside the analysis.

    Attributes:
        kind: `statement`.
        pool: `mean`, or `idf`: statements weigh by how rare they are among training samples.
    """

    kind: Literal["statement"] = "statement"
    pool: Literal["mean", "idf"] = "mean"


class SectionSettings(OfTextSettings):
    """One vector per section of a text, from the vectors of its statements, weighted and side by side.

    Attributes:
        kind: `section`.
        weights: section -> weight, 0 or more; sections that are not named weigh 1, 0 leaves one out.

    Examples:
        >>> SectionSettings(weights={"Clinical": 2.0}).encode_settings().unit
        'statement'
    """

    kind: Literal["section"] = "section"
    weights: dict[str, Annotated[float, Field(ge=0, allow_inf_nan=False)]] = Field(default_factory=dict)


class JoinedSettings(Settings):
    """Several representations side by side, balanced.

    Attributes:
        kind: `joined`.
        of: names of two or more other representations of the study.
    """

    kind: Literal["joined"] = "joined"
    of: tuple[str, ...] = Field(min_length=2)


RepresentationSettings = Annotated[
    CountSettings | DocumentSettings | StatementSettings | SectionSettings | JoinedSettings,
    Field(discriminator="kind"),
]
# The kinds that are made from vectors of an encoder (`OfTextSettings`).
ENCODED = ("document", "statement", "section")


def window_name(window: Window) -> str:
    """What a window is called in the names of features.

    Examples:
        >>> window_name((365.0, None)), window_name((0.5, 2.0))
        ('365d+', '0.5-2d')
    """
    start, stop = window
    if stop is None:
        return "ever" if start == 0 else f"{start:g}d+"
    return f"{start:g}-{stop:g}d"
