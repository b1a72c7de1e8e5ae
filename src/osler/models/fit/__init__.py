"""Adapting an encoder to a cohort: LoRA or full, by contrast, masked tokens or labels."""
