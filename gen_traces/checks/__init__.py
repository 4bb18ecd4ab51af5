"""Experiments on a job's code: overfit one batch, causality, cache equivalence, and the like."""
