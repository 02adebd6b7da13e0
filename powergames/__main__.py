"""Run the command line as ``python -m powergames``."""

from __future__ import annotations

from powergames.cli import main

if __name__ == "__main__":
    main()
