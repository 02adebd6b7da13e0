"""Equilibria followed as λ changes: sweeps and traces."""
