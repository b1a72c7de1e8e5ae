"""Representations of samples: counts, document and statement vectors, and joins of them."""
