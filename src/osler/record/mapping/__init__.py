"""The mapping engine: tables of any shape become MEDS events as a declarative spec says, out of core."""
