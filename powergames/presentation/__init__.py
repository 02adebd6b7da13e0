"""What each result shows, as blocks of text and tables."""
