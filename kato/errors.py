"""The one tree of errors that a client may meet (SPEC 8).

Every floor raises these; the protocols alone turn them into bytes.  Anything else that is raised
is a defect, and a client is told no more of it than a reference into the log.
"""

from collections.abc import Mapping
from typing import ClassVar, TypeVar

E = TypeVar("E", bound=BaseException)


class KatoError(Exception):
    """What went wrong, in one sentence that names the field and the value."""

    error_code: str = "INTERNAL_ERROR"
    http_status: ClassVar[int] = 500

    def __init__(
        self,
        message: str,
        *,
        retry_after: int | None = None,
        outcome_unknown: bool = False,
    ) -> None:
        """
        @param message: one sentence for the client.
        @param retry_after: seconds until the same request may succeed, where that is known.
        @param outcome_unknown: nobody can tell whether the change was made.
        """
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after
        self.outcome_unknown = outcome_unknown


class InternalError(KatoError):
    """A defect of ours; the message repeats the reference under which it was logged."""


class InvalidRequest(KatoError):
    """A malformed body, a wrong type, an unfit value."""

    error_code = "INVALID_REQUEST"
    http_status = 400


class Unauthorized(KatoError):
    """No key, or a wrong one."""

    error_code = "UNAUTHORIZED"
    http_status = 401


class Forbidden(KatoError):
    """A request that this server must not answer, whoever asks."""

    error_code = "FORBIDDEN"
    http_status = 403


class ProcessorNotFound(KatoError):
    """No processor has this id."""

    error_code = "PROCESSOR_NOT_FOUND"
    http_status = 404


class ModelNotFound(KatoError):
    """The processor has learned no model of this name."""

    error_code = "MODEL_NOT_FOUND"
    http_status = 404


class ObservationNotFound(KatoError):
    """The processor does not remember an observation with this C{unique_id}."""

    error_code = "OBSERVATION_NOT_FOUND"
    http_status = 404


class UnknownGene(KatoError):
    """No gene has this name."""

    error_code = "UNKNOWN_GENE"
    http_status = 404


class UnknownOperation(KatoError):
    """The table of operations has no such entry, or no such path exists."""

    error_code = "UNKNOWN_OPERATION"
    http_status = 404


class MethodNotAllowed(KatoError):
    """The path exists, but not with this HTTP method."""

    error_code = "METHOD_NOT_ALLOWED"
    http_status = 405


class RequestTimeout(KatoError):
    """The client took too long to send its request."""

    error_code = "REQUEST_TIMEOUT"
    http_status = 408


class Conflict(KatoError):
    """An id that was used for something else already."""

    error_code = "CONFLICT"
    http_status = 409


class LimitReached(KatoError):
    """No more processors, events or models are allowed."""

    error_code = "LIMIT_REACHED"
    http_status = 409


class PayloadTooLarge(KatoError):
    """A message over the limit."""

    error_code = "PAYLOAD_TOO_LARGE"
    http_status = 413


class UnsupportedMediaType(KatoError):
    """A body that is neither declared as JSON nor is JSON."""

    error_code = "UNSUPPORTED_MEDIA_TYPE"
    http_status = 415


class TooManyRequests(KatoError):
    """A queue is full."""

    error_code = "TOO_MANY_REQUESTS"
    http_status = 429


class HeadersTooLarge(KatoError):
    """An HTTP head over the limit."""

    error_code = "HEADERS_TOO_LARGE"
    http_status = 431


class ProcessorUnavailable(KatoError):
    """The service that holds the processor is down or stopping."""

    error_code = "PROCESSOR_UNAVAILABLE"
    http_status = 503


class Moved(ProcessorUnavailable):
    """Another service has the processor: who passes requests on asks there, anybody else later."""

    def __init__(self, message: str, *, address: str, epoch: int) -> None:
        """
        @param address: where the other service is reached.
        @param epoch: under which it has the processor.
        """
        super().__init__(message, retry_after=1)
        self.address = address
        self.epoch = epoch


class StorageUnavailable(KatoError):
    """Nothing can be made durable now."""

    error_code = "STORAGE_UNAVAILABLE"
    http_status = 503


class Timeout(KatoError):
    """No answer in time."""

    error_code = "TIMEOUT"
    http_status = 504


def _codes() -> Mapping[str, type[KatoError]]:
    known: list[type[KatoError]] = [KatoError, *KatoError.__subclasses__()]
    return {each.error_code: each for each in known}


BY_CODE = _codes()
"""The errors by the code that a client is told."""


def bare(error: E) -> E:
    """An error that is answered, without the frames that it came through: they hold the engine, or
    what was read, and with their locals the error itself, in a circle that only the collector
    frees."""
    error.__context__ = error.__cause__ = None
    return error.with_traceback(None)
