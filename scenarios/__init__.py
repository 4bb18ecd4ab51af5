"""What can go wrong: the reference training code, the ways to break it, and the vocabulary of diagnostics."""
