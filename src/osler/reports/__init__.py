"""The report of a run: sections read run files and nothing else; one HTML page is made of them."""
