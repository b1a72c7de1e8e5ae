"""Who, when and what: the samples of a task, their labels, sites, groups and splits."""
