"""Methods that divide samples into clusters, one file each.

A method is a module with `fit(points, k, *, settings, seed) -> Partition` and
`assign(model, points) -> (clusters, distances)`, where `model` are the arrays that `fit` put into the
partition. What methods share about runs from several starts is in `runs.py`.
"""
