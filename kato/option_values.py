"""Numbers that an operator may say (SPEC 10)."""

from collections.abc import Callable

from twisted.python import usage

from kato.fields import shown

Given = Callable[[str], str | None]
"""What was said of an option, on the command line or in the environment; C{None} for nothing."""

_MAX_DIGITS = 18
"""A whole number with more of them fits nothing that is counted here."""


def whole(option: str, value: str, *, least: int) -> int:
    """A whole number.

    @raise UsageError: which names the option.
    """
    is_whole = value.isascii() and value.isdecimal() and len(value) <= _MAX_DIGITS
    if not is_whole or int(value) < least:
        raise usage.UsageError(
            f"--{option}: expected a whole number from {least}, got {shown(value)}"
        )
    return int(value)


def seconds(option: str, value: str, *, least: float) -> float:
    """Some time, which may be a fraction.

    @raise UsageError: which names the option.
    """
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not least <= number < float("inf"):
        raise usage.UsageError(f"--{option}: expected seconds from {least:g}, got {value!r}")
    return number
