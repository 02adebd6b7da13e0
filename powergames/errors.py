"""The errors that powergames raises about what a user hands it.

Every message is one line that says what is wrong, where, what was found and how to mend it.
"""

from __future__ import annotations


class InputError(ValueError):
    """A game, profile, objective or option that cannot be used.

    Examples
    --------
    >>> from powergames.errors import InputError
    >>> issubclass(InputError, ValueError)
    True
    """

    def __init__(self, message: str) -> None:
        # What was found may print over several lines.
        super().__init__(" ".join(message.split()))


class FormatError(InputError):
    """A file that cannot be read as the format its name promises.

    Examples
    --------
    >>> from powergames.errors import FormatError, InputError
    >>> issubclass(FormatError, InputError)
    True
    """
