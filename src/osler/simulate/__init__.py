"""A multi-hospital record with known truth: hospitals, patients, stays, and what is written of them."""
