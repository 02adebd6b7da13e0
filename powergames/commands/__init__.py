"""The commands, one in each module; `powergames.cli` puts them together."""
