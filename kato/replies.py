"""Replies and errors as maps: the envelopes of SPEC 8, written, and read where another service
answered."""

from collections.abc import Callable, Mapping
from typing import Any

from kato.commands import Reply
from kato.errors import BY_CODE, InternalError, InvalidRequest, KatoError, Moved
from kato.fields import shown, text

_ENVELOPE = frozenset({"status", "message", "processor", "interval", "time_stamp", "epoch"})


def error_map(
    error: KatoError, *, time_stamp: float, processor: str | None = None
) -> dict[str, Any]:
    """The envelope of an error.

    C{retry_after} is in seconds, and stands where it is known when the same may succeed.

    @param time_stamp: in Unix seconds.
    @param processor: whom the request was about, where that is known.
    """
    envelope: dict[str, Any] = {
        "status": "error",
        "message": error.message,
        "error_code": error.error_code,
    }
    if error.outcome_unknown:
        envelope["outcome"] = "unknown"
    if error.retry_after is not None:
        envelope["retry_after"] = error.retry_after
    if processor is not None:
        envelope["processor"] = processor
    envelope["time_stamp"] = time_stamp
    return envelope


def read_reply(raw: object) -> Reply | KatoError:
    """What another service answered: a reply, or the error that it tells.

    @raise InvalidRequest: where it is neither.
    """
    if not isinstance(raw, dict):
        raise InvalidRequest(f"answer: expected a map, got {shown(raw)}")
    try:
        return _READ[raw["status"]](raw)
    except (KeyError, TypeError):
        raise InvalidRequest(f"answer: {shown(raw)} is none of KATO's") from None


def _reply(raw: Mapping[str, Any]) -> Reply:
    return Reply(
        message=text(raw["message"], "answer.message"),
        time_stamp=raw["time_stamp"],
        fields={key: value for key, value in raw.items() if key not in _ENVELOPE},
        processor=raw.get("processor"),
        interval=raw.get("interval"),
        epoch=raw.get("epoch"),
    )


def moved_map(error: Moved) -> dict[str, Any]:
    """Where a processor is now: what a gateway is told beside the error."""
    return {"address": error.address, "epoch": error.epoch}


def _error(raw: Mapping[str, Any]) -> KatoError:
    message = text(raw["message"], "answer.message")
    moved = raw.get("moved")
    if isinstance(moved, dict):
        return Moved(message, address=moved["address"], epoch=moved["epoch"])
    return BY_CODE.get(raw["error_code"], InternalError)(
        message,
        retry_after=raw.get("retry_after"),
        outcome_unknown=raw.get("outcome") == "unknown",
    )


_READ: Mapping[str, Callable[[Mapping[str, Any]], Reply | KatoError]] = {
    "okay": _reply,
    "error": _error,
}
