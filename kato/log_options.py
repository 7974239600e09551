"""What an operator may say of the log (SPEC 10)."""

from typing import Any

from twisted.python import usage

from kato.fields import shown
from kato.option_values import Given

PARAMETERS = [
    ["log-level", None, None, "DEBUG, INFO, WARNING or ERROR; INFO if left out"],
    ["log-format", None, None, "text or json; text if left out"],
]
"""The options, as C{usage.Options} takes them."""

ENVIRONMENT = {"log-level": "LOG_LEVEL", "log-format": "KATO_LOG_FORMAT"}
"""The variables that say the same."""

_LEVELS = {"DEBUG": "debug", "INFO": "info", "WARNING": "warn", "ERROR": "error"}
_FORMATS = ("text", "json")


def parsed_log(given: Given) -> dict[str, Any]:
    """What is logged, and how it is written: as L{Settings} take them.

    @raise UsageError: which names the option at fault.
    """
    return {"log_level": _level(given), "log_format": _format(given)}


def _level(given: Given) -> str:
    level = (given("log-level") or "INFO").upper()
    if level not in _LEVELS:
        raise usage.UsageError(f"--log-level: expected {', '.join(_LEVELS)}, got {shown(level)}")
    return _LEVELS[level]


def _format(given: Given) -> str:
    written = given("log-format") or _FORMATS[0]
    if written not in _FORMATS:
        raise usage.UsageError(
            f"--log-format: expected {' or '.join(_FORMATS)}, got {shown(written)}"
        )
    return written
