"""Results and errors as GraphQL tells them, with the codes of SPEC 8."""

from collections.abc import Sequence
from typing import Any

from graphql import ExecutionResult, GraphQLError
from twisted.logger import Logger
from twisted.python.failure import Failure

from kato.defects import judged
from kato.errors import InvalidRequest, KatoError, bare

Result = dict[str, Any]
"""C{data}, C{errors} or both."""


def told(result: ExecutionResult, log: Logger) -> Result:
    """What came of an execution."""
    if not result.errors:
        return {"data": result.data}
    return {"data": result.data, **refused(result.errors, log)}


def refused(errors: Sequence[GraphQLError], log: Logger) -> Result:
    """Why there is no data, or not all of it."""
    return {"errors": [_error(each, log) for each in errors]}


def refused_whole(error: KatoError) -> Result:
    """Why nothing was executed, where that is nothing of the document's."""
    return {"errors": [{"message": error.message, "extensions": _extensions(error)}]}


def _error(error: GraphQLError, log: Logger) -> dict[str, Any]:
    """An error; of a defect of ours nothing is told but where it is logged."""
    ours = judged(Failure(cause_of(error)), log, "GraphQL")
    let_go(error)
    return {**error.formatted, "message": ours.message, "extensions": _extensions(ours)}


def let_go(error: GraphQLError) -> None:
    """Leave out of an error the frames that it came through: they hold all that came for the
    document, and with it the error, in a circle that only the collector frees."""
    for each in (error, error.original_error):
        if each is not None:
            bare(each)


def is_defect(error: GraphQLError) -> bool:
    """Whether the frames tell what went wrong here."""
    return not isinstance(cause_of(error), KatoError)


def cause_of(error: GraphQLError) -> Exception:
    """What went wrong: one of our errors, a defect, or what graphql-core found unfit."""
    cause = error.cause
    if isinstance(cause, Exception) and not isinstance(cause, GraphQLError):
        return cause
    return InvalidRequest(error.message)


def _extensions(error: KatoError) -> dict[str, Any]:
    """The code of an error, with what else is known.

    C{retryAfter} is in seconds, and C{outcome} says where nobody knows whether a change was made.
    """
    extensions: dict[str, Any] = {"code": error.error_code}
    if error.retry_after is not None:
        extensions["retryAfter"] = error.retry_after
    if error.outcome_unknown:
        extensions["outcome"] = "unknown"
    return extensions
