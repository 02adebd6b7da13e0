"""The errors that powergames raises about what a user hands it, and about what is not installed; and Ctrl-C.

Every message is one line that says what is wrong, where, what was found and how to mend it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


def printable(text: str, keep: str = "") -> str:
    r"""Escape whatever would move the cursor, command the terminal or not be seen, as names and files may hold it.

    Parameters
    ----------
    text : str
        What a user wrote; what this function returned stays as it is.
    keep : str
        Characters to leave alone, such as the line breaks of a text of several lines.

    Returns
    -------
    str

    Examples
    --------
    >>> print(printable("\x1b]0;title\x07 caf\xe9\n"))
    \x1b]0;title\x07 café\n
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in keep else repr(c)[1:-1] for c in text)


class InputError(ValueError):
    """A game, profile, objective or option that cannot be used.

    Examples
    --------
    >>> from powergames.errors import InputError
    >>> issubclass(InputError, ValueError)
    True
    """

    def __init__(self, message: str) -> None:
        # What was found may print over several lines, and may hold what a terminal obeys.
        super().__init__(printable(" ".join(message.split())))


class FormatError(InputError):
    """A file that cannot be read as the format its name promises.

    Examples
    --------
    >>> from powergames.errors import FormatError, InputError
    >>> issubclass(FormatError, InputError)
    True
    """


@contextmanager
def needs(package: str, extra: str, what: str) -> Iterator[None]:
    """Say how to get a package that not everybody has, where it is imported.

    Parameters
    ----------
    package : str
        Its name.
    extra : str
        What pip has to install.
    what : str
        What it is needed for.

    Raises
    ------
    InputError
        If an import in the block fails.

    Examples
    --------
    >>> with needs("Anything", "powergames[anything]", "games of chance"):
    ...     import anything
    Traceback (most recent call last):
        ...
    powergames.errors.InputError: games of chance: Anything is not installed; run pip install 'powergames[anything]'
    """
    try:
        yield
    except ImportError:
        raise InputError(f"{what}: {package} is not installed; run pip install '{extra}'") from None


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C through as KeyboardInterrupt also when it arrives inside Numba, which reports a SystemError."""
    try:
        yield
    except SystemError as error:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, KeyboardInterrupt):
                raise KeyboardInterrupt from None
            cause = cause.__cause__ or cause.__context__
        raise
