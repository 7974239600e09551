"""The log of a service: lines for people, or JSON for programs (SPEC 10)."""

import json
import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Protocol, TextIO

from twisted.logger import (
    FileLogObserver,
    FilteringLogObserver,
    ILogObserver,
    LogEvent,
    LogLevel,
    LogLevelFilterPredicate,
    eventAsText,
    formatEvent,
    formatTime,
)

_SHOWN = (str, int, float, bool)


def log_to(path: str, *, level: str, as_json: bool) -> ILogObserver:
    """Writes events of at least C{level} at the end of the file at C{path}; C{-} is standard
    output."""
    if path == "-":
        return observer(sys.stdout, level=level, as_json=as_json)
    file = open(path, "a", encoding="utf-8")  # noqa: SIM115, it is open as long as the process
    return observer(file, level=level, as_json=as_json)


def observer(file: TextIO, *, level: str, as_json: bool) -> ILogObserver:
    """Writes events of at least C{level} to C{file}, one line each as JSON, or as text."""
    write = FileLogObserver(file, _json_line if as_json else _text_line)
    return FilteringLogObserver(write, [LogLevelFilterPredicate(LogLevel.levelWithName(level))])


class Line(Protocol):
    """One of the lines of an event that tells many things at once, in C{lines}."""

    @property
    def ended(self) -> float:
        """When it happened, in Unix seconds."""

    def as_dict(self) -> dict[str, object]:
        """What JSON tells of it."""


def _text_line(event: LogEvent) -> str:
    if "lines" in event:
        place = f"{event['log_level'].name:<5} {event.get('log_namespace', '-')}:"
        return "".join([f"{_stamp(int(each.ended))} {place} {each}\n" for each in event["lines"]])
    if "log_failure" in event:
        text = eventAsText(event, includeTimestamp=False, includeSystem=False)
    else:
        text = formatEvent(event)
    if not text:
        return ""
    stamp = _stamp(int(event["log_time"]))
    lines = text.replace("\n", "\n\t")
    return f"{stamp} {event['log_level'].name:<5} {event.get('log_namespace', '-')}: {lines}\n"


@lru_cache(maxsize=2)
def _stamp(second: int) -> str:
    """The time as a person reads it; many lines are written in one second."""
    return formatTime(second)


def _json_line(event: LogEvent) -> str:
    """The event with its own fields, of which those that JSON knows are kept as they are."""
    if "lines" in event:
        return "".join(_json_lines(event, event["lines"]))
    line = {
        "time": event["log_time"],
        "level": event["log_level"].name,
        "namespace": event.get("log_namespace", "-"),
        "message": formatEvent(event),
    }
    if "log_failure" in event:
        line["traceback"] = event["log_failure"].getTraceback()
    for key, value in event.items():
        if not key.startswith(("log_", "_")) and key not in line:
            line[key] = value if isinstance(value, _SHOWN) or value is None else str(value)
    return json.dumps(line) + "\n"


def _json_lines(event: LogEvent, lines: Iterable[Line]) -> Iterator[str]:
    for each in lines:
        line = {
            "time": each.ended,
            "level": event["log_level"].name,
            "namespace": event.get("log_namespace", "-"),
            "message": str(each),
            **each.as_dict(),
        }
        yield json.dumps(line) + "\n"
