"""Encoders: recipes, tokenizers, loading and batching."""
