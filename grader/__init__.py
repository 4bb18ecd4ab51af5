"""What an interview was worth: evidence analysis, cause matching and the scorecard."""

from grader.score import score

__all__ = ["score"]
