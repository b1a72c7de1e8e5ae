"""The common base of Osler's transformers: scikit-learn's own."""

from sklearn.base import BaseEstimator, TransformerMixin


class Transformer(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A scikit-learn transformer; the subclasses say what they fit and give."""
