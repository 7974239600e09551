"""Engines of this process: new ones, and those made of what is stored, with what spares the next
start going over all their models."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from twisted.logger import Logger

from kato.changes import Snapshot
from kato.engine import Processor
from kato.engine.arrays import NUMPY, Arrays
from kato.engine.limits import MAX_EVENTS, MAX_GATHERED, MAX_MODELS, MAX_VECTORS
from kato.engine.matchers import Provider, best_provider
from kato.genes import Genes
from kato.model import Model

MANY_MODELS = 10_000
"""An index is kept of processors with so many models: to go over fewer takes a quarter of a second
at most, and a file that is written anew whenever the server stops is no gain then."""

_TELLING = 50_000
"""After how many models of one processor the log tells of the loading."""


_FROM_INDEX = "processor {processor}: {number} models taken from its index"
_NOT_FROM_INDEX = (
    "processor {processor}: its index is of another kind or version, {number} models loaded"
)


class Restored(NamedTuple):
    """An engine made of what is stored."""

    engine: Processor
    from_index: bool
    """Whether its models were taken from the index that the store has."""
    new_index: bytes | None
    """One to be kept, where it has none and there are many models, or one that lacks something."""


class Engines:
    """Makes engines, all of them with the same matcher and the same limits."""

    log = Logger()

    def __init__(
        self,
        *,
        genes: Genes | None = None,
        names: Mapping[str, str] | None = None,
        max_events: int = MAX_EVENTS,
        max_models: int = MAX_MODELS,
        max_vectors: int = MAX_VECTORS,
        max_gathered: int = MAX_GATHERED,
        matcher: Provider | None = None,
        arrays: Arrays = NUMPY,
        fingerprinted: bool = False,
    ) -> None:
        """
        @param genes: those of new processors.
        @param names: what people call some processors, by id.
        @param matcher: who holds the models of processors; the best there is, where it is not said.
        @param arrays: where many vectors are compared.
        @param fingerprinted: whether models are to have a fingerprint, as a cache needs.
        """
        self.matcher = matcher or best_provider()
        self._genes = genes or Genes()
        self._names = names or {}
        self._alike: Mapping[str, Any] = {
            "max_events": max_events,
            "max_models": max_models,
            "max_vectors": max_vectors,
            "max_gathered": max_gathered,
            "matcher": self.matcher.make,
            "arrays": arrays,
            "fingerprinted": fingerprinted,
        }
        """What all engines are made with, new ones and others."""

    def make(self, processor: str) -> Processor:
        """Make the engine of a new processor."""
        return Processor(
            processor,
            genes=self._genes,
            name=self._names.get(processor),
            **self._alike,
        )

    def restore(self, snapshot: Snapshot) -> Restored:
        """Make the engine of a processor that is stored, in the thread in which it is read."""
        counted = _Counted(snapshot)
        engine = Processor.restore(replace(snapshot, models=counted), **self._alike)
        engine.name = self._names.get(engine.id, engine.name)
        from_index = snapshot.index is not None and not counted.number
        if snapshot.index is not None:
            self._tell(_FROM_INDEX if from_index else _NOT_FROM_INDEX, engine)
        is_due = counted.number >= MANY_MODELS or engine.outgrew_index
        return Restored(engine, from_index, engine.index() if is_due else None)

    def _tell(self, what: str, engine: Processor) -> None:
        self.log.info(what, processor=engine.id, number=engine.models)


class _Counted:
    """The models of a snapshot, which are counted, and told of, as they stream in."""

    log = Logger()

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self.number = 0

    def __iter__(self) -> Iterator[Model]:
        for model in self._snapshot.models:
            self.number += 1
            yield model
            if self.number % _TELLING == 0:
                self.log.info(
                    "processor {processor}: {number} models loaded",
                    processor=self._snapshot.processor,
                    number=self.number,
                )
