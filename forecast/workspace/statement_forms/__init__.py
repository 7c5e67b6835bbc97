"""The forms of statement: each way in which a statement is coded as a number is one class in one file."""
