"""The forms of evidence: each way in which an entry of `bears_on` speaks is one class in one file."""
