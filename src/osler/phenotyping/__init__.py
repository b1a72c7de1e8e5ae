"""Phenotypes: clusters of samples, described and set beside the outcome that was held out of them."""
