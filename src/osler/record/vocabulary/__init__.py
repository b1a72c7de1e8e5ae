"""Vocabularies: one spelling per coded term, parents for roll-up, titles from the user's own files."""

from osler.record.vocabulary.codes import canonical, canonical_codes
from osler.record.vocabulary.fetch import fetch_vocabulary
from osler.record.vocabulary.hierarchy import ancestors, parents_of
from osler.record.vocabulary.vocabulary import Vocabulary, open_vocabulary

__all__ = [
    "Vocabulary",
    "ancestors",
    "canonical",
    "canonical_codes",
    "fetch_vocabulary",
    "open_vocabulary",
    "parents_of",
]
