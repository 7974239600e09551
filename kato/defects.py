"""What a client is told of a defect: a reference under which it stands in the log (SPEC 8)."""

from uuid import uuid4

from twisted.logger import Logger
from twisted.python.failure import Failure

from kato.errors import InternalError, KatoError

_LENGTH = 12


def judged(failure: Failure, log: Logger, where: str) -> KatoError:
    """What a client may see of a failure: all of ours, of others a reference into the log.

    One of ours forgets where it was raised: it may be kept for long, and would keep alive all that
    was there, a processor that was thrown away for example.

    @param where: what was being done, for the reader of the log.
    """
    if isinstance(failure.value, KatoError):
        return failure.value.with_traceback(None)
    reference = uuid4().hex[:_LENGTH]
    log.failure("defect {reference} in {where}", failure=failure, reference=reference, where=where)
    return InternalError(f"internal error, logged under {reference}")
