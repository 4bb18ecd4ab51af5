"""The Textual face of the interview."""
