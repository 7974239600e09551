"""The laws that all parsers of input share: an error of ours that can be read, or a value."""

from collections.abc import Callable
from math import isfinite
from typing import Any

from kato.codec import encode_json
from kato.errors import KatoError
from tests.fuzz.target import hold

LONGEST_MESSAGE = 8 * 1024
"""So many characters an error may have: it shows a path of 64 names, each cut short."""


def taken(parse: Callable[..., Any], *given: Any) -> Any:
    """What a parser makes of something; C{None} where it refuses it as it should.

    Anything that it raises beside a refusal is passed on.
    """
    try:
        return parse(*given)
    except KatoError as error:
        judge_refusal(error)
        return None


def judge_refusal(error: KatoError) -> None:
    """See that a client can read an error, and that it is the client's fault."""
    message = error.message
    hold(400 <= error.http_status < 500, "an error that is not the client's", error)
    hold(bool(message) and len(message) <= LONGEST_MESSAGE, "no message to read", message[:200])
    hold("\n" not in message and "\r" not in message, "a message of several lines", message)
    encode_json({"message": message})


def is_plain(value: object) -> bool:
    """Whether JSON and MessagePack have a word for all of a value: no number that is not finite, no
    lone surrogate, no key that is no string."""
    if isinstance(value, str):
        return value.isascii() or not any("\ud800" <= each <= "\udfff" for each in value)
    if isinstance(value, float):
        return isfinite(value)
    if isinstance(value, list):
        return all(map(is_plain, value))
    if isinstance(value, dict):
        keyed = all(isinstance(key, str) and is_plain(key) for key in value)
        return type(value) is dict and keyed and all(map(is_plain, value.values()))
    return value is None or isinstance(value, int)
