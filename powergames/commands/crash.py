"""What to say of a failure that is no fault of the input."""

from __future__ import annotations

from collections.abc import Sequence


def crash_report(error: BaseException, arguments: Sequence[str]) -> str:
    """Ask for a report of an error, and keep its traceback in a temporary file.

    Parameters
    ----------
    error : BaseException
        What was raised.
    arguments : sequence of str
        What follows the name of the program.

    Returns
    -------
    str
        The error, the versions of what matters, and where the traceback is if it could be written.

    Examples
    --------
    >>> print(crash_report(ValueError("no such face"), ["solve", "stag_hunt"]))  # doctest: +ELLIPSIS
    unexpected failure: ValueError: no such face (powergames ..., Python ...). Please report it...
    """
    import platform
    import shlex
    import tempfile
    import traceback
    from importlib.metadata import PackageNotFoundError, version

    versions = []
    for name in ("powergames", "Python", "NumPy", "Numba"):
        try:
            versions.append(f"{name} {platform.python_version() if name == 'Python' else version(name)}")
        except PackageNotFoundError:
            versions.append(f"no {name}")
    first_line = traceback.format_exception_only(error)[0].splitlines()[0]
    report = f"unexpected failure: {first_line} ({', '.join(versions)}, {platform.system()}). Please report it"
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="powergames-", suffix=".txt", delete=False, encoding="utf-8", errors="backslashreplace"
        ) as file:
            file.write(f"{shlex.join(['powergames', *arguments])}\n{', '.join(versions)}, {platform.platform()}\n\n")
            file.writelines(traceback.format_exception(error))
    except OSError:
        return f"{report}, with the command that you typed"
    return f"{report}, with the file {file.name}, which holds the command and the traceback"
