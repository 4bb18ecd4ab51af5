"""Watches a training job from outside through PyTorch's own hooks."""
