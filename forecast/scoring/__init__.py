"""Scores of probabilities against what happened: lower is better throughout."""
