"""Pure arithmetic: rational tableaux, discounted systems, ranges. It knows no game."""
