"""KATO for programs in Python: typed calls over REST, and streams of events over WebSocket.

One core without any I/O, with three faces: L{Client} waits, L{AsyncClient} is for asyncio, and
L{kato.client.in_twisted.TwistedClient} for Twisted.  Nothing of the server is imported, nor what it
needs: C{pip install 'kato-twisted[client]'} brings what this needs.
"""

from kato.client.calls import Observation
from kato.client.results import (
    Cognition,
    Expected,
    Explanation,
    Model,
    ModelSummary,
    Observed,
    Page,
    Percept,
    Prediction,
    ProcessorSummary,
    SequenceObserved,
    Status,
)
from kato.client.streams import FRESH, StreamEvent
from kato.client.trying import ForeignAnswer, NoAnswer, Patience
from kato.errors import KatoError

try:
    from kato.client.blocking import Client, Processor
    from kato.client.in_asyncio import AsyncClient, AsyncProcessor
except ModuleNotFoundError as missing:
    library = (missing.name or "kato").partition(".")[0]
    if library == "kato":
        raise
    raise ModuleNotFoundError(
        f"kato.client needs {library}: pip install 'kato-twisted[client]'", name=library
    ) from None

__all__ = [
    "FRESH",
    "AsyncClient",
    "AsyncProcessor",
    "Client",
    "Cognition",
    "Expected",
    "Explanation",
    "ForeignAnswer",
    "KatoError",
    "Model",
    "ModelSummary",
    "NoAnswer",
    "Observation",
    "Observed",
    "Page",
    "Patience",
    "Percept",
    "Prediction",
    "Processor",
    "ProcessorSummary",
    "SequenceObserved",
    "Status",
    "StreamEvent",
]
