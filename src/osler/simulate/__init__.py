"""A multi-hospital record with known truth: hospitals, latent patients, their stays, and what is written of them."""
