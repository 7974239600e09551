"""KATO for programs in Python: typed calls over REST, and streams of events over WebSocket.

One core without any I/O, with three faces: L{Client} waits, L{AsyncClient} is for asyncio, and
L{kato.client.in_twisted.TwistedClient} for Twisted.  Nothing of the server is imported, nor what it
needs: C{pip install 'kato-twisted[client]'} brings what this needs.
"""

from kato.client.blocking import Client, Processor
from kato.client.calls import Observation
from kato.client.in_asyncio import AsyncClient, AsyncProcessor
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
from kato.client.trying import NoAnswer, Patience
from kato.errors import KatoError

__all__ = [
    "FRESH",
    "AsyncClient",
    "AsyncProcessor",
    "Client",
    "Cognition",
    "Expected",
    "Explanation",
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
