"""Studies: one YAML file names the dataset, the tasks and the methods; a run carries it out."""
