"""Solvers, one method per file; import them as `powergames.solvers`."""
