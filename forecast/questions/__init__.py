"""What is asked of a forecast: the table of dated questions, and what is due."""
