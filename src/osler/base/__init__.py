"""Foundations that know nothing of medicine: errors, files, hashes, settings, progress."""
