"""Latent class analysis: its indicators, its fit, and what is asked of a fit before it is believed."""
