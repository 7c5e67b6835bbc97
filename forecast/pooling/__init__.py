"""Many experts on many questions: one probability a question."""
