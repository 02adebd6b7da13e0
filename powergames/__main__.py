"""The process of the command line, also as ``python -m powergames``."""

from __future__ import annotations

from powergames.commands.outcome import end_on_ctrl_c


def main() -> None:
    """Run the command line; Ctrl-C says nothing of what is being imported."""
    end_on_ctrl_c()
    from powergames import cli

    cli.main()


if __name__ == "__main__":
    main()
