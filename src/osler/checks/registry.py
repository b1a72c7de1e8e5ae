"""Which checks look at which kind of folder, in their order. A new check is one file and one line here."""

from osler.checks.place import (
    COMPARISON,
    DATASET,
    LABELS,
    PHENOTYPES,
    PREDICTIONS,
    RUN,
    SEALED,
    SOURCE,
    TEXTS,
    VECTORS,
)

# Module of `osler.checks` with `check(place) -> list[Finding]` -> kinds that it looks at. The first check of
# a kind opens its files; when that fails, the others have nothing to look at.
CHECKS: dict[str, tuple[str, ...]] = {
    "source_tables": (SOURCE,),
    "source_rows": (SOURCE,),
    "dataset_files": (DATASET,),
    "dataset_schema": (DATASET,),
    "dataset_order": (DATASET,),
    "dataset_times": (DATASET,),
    "dataset_calendar": (DATASET,),
    "dataset_lifetimes": (DATASET,),
    "dataset_duplicates": (DATASET,),
    "dataset_codes": (DATASET,),
    "dataset_units": (DATASET,),
    "dataset_mixed": (DATASET,),
    "dataset_impossible": (DATASET,),
    "dataset_outcomes": (DATASET,),
    "dataset_sites": (DATASET,),
    "dataset_splits": (DATASET,),
    "run": (RUN,),
    "label_files": (LABELS,),
    "labels": (LABELS,),
    "label_sites": (LABELS,),
    "label_leaks": (LABELS,),
    "texts": (TEXTS,),
    "vectors": (VECTORS,),
    "predictions": (PREDICTIONS,),
    "phenotypes": (PHENOTYPES,),
    "comparison": (COMPARISON,),
    "manifest": (DATASET, LABELS, TEXTS, VECTORS, PREDICTIONS, PHENOTYPES, COMPARISON, RUN, SEALED),
    "privacy": (DATASET, TEXTS, VECTORS, PREDICTIONS, PHENOTYPES, RUN),
}
