"""Reading Python source that anyone may have written: no warnings, one kind of error, whatever other threads do."""

from __future__ import annotations

import ast
import warnings

_ATTEMPTS = 50


def parse_python(source: str) -> ast.Module:
    """The syntax tree of a file.

    Raises:
        SyntaxError: the source is not Python, or nested too deeply to be read.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(_ATTEMPTS):
            try:
                return ast.parse(source)
            except SystemError:
                continue  # before 3.12.1 two threads that parse at once may disturb each other (gh-106905)
            except (ValueError, RecursionError, MemoryError) as error:
                raise SyntaxError(str(error) or type(error).__name__) from error
    raise SyntaxError("the source could not be read: other threads disturbed its parsing")


def parses(source: str) -> bool:
    """True when the source is Python."""
    try:
        parse_python(source)
    except SyntaxError:
        return False
    return True
