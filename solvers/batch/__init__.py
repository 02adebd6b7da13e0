"""Many games at once, kept on disk."""
