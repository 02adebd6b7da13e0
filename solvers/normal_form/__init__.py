"""Methods for games in normal form, one a file."""
