"""The record: MEDS datasets, opened lazily shard by shard, and what describes them."""
