"""Makes training runs go wrong for real and records what they show."""
