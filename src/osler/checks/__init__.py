"""`osler doctor`: is what lies on disk sound? One file per check; `registry.py` says which looks at what."""
