"""What an interview was worth: evidence analysis, cause matching and the scorecard."""
