"""Answers about a forecast: each a pure function from an outcome to plain numbers and words."""
