"""Named games as data, with their parameters."""
