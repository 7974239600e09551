"""Long-term memory: the models of one processor (SPEC 2, 3)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from kato.engine.fingerprint import Fingerprint
from kato.engine.matching import Kept, Matcher, MemoryUse, Ranking, Weights
from kato.engine.packing import Packed, pack, unpack
from kato.errors import ModelNotFound
from kato.fields import shown
from kato.model import Emotives, Felt, Model, full_name, model_name
from kato.model import Sequence as Events

_PAGE = 100_000
"""So many names are listed at a time: a matcher goes over all of them for each page."""


class KnowledgeChanges(NamedTuple):
    """What the store does not have yet."""

    forgets: bool
    models: tuple[Model, ...]
    deleted: tuple[str, ...]


class Knowledge:
    """The models, which a matcher holds, and beside it what it does not hold of them: the emotives
    of those that have any, and what the store does not have yet."""

    def __init__(self, matcher: Matcher, *, fingerprinted: bool = False) -> None:
        """
        @param matcher: an empty one, which is then only spoken to through here.
        @param fingerprinted: whether L{fingerprint} will be asked for.
        """
        self._matcher = matcher
        self._fingerprint = Fingerprint() if fingerprinted else None
        self.made_fingerprint = False
        """Whether all models that were unpacked had to be gone over for their fingerprint."""
        self._emotives: dict[str, Felt] = {}
        self._changed: dict[str, Model] = {}
        self._deleted: dict[str, None] = {}
        self._forgets = False

    def __len__(self) -> int:
        return len(self._matcher)

    @property
    def kind(self) -> str:
        """Which provider the matcher is."""
        return self._matcher.kind

    @property
    def symbols(self) -> int:
        """How many distinct symbols all models have."""
        return self._matcher.symbols

    def memory(self) -> MemoryUse:
        """What the matcher uses now."""
        return self._matcher.memory()

    @property
    def fingerprint(self) -> bytes | None:
        """What other models would have another of; C{None} where it was said that nobody asks."""
        return None if self._fingerprint is None else bytes(self._fingerprint)

    def kept(self, state: Sequence[str], threshold: float) -> Kept:
        """The models that C{state} keeps."""
        return self._matcher.kept(state, threshold)

    def weigh(self, symbols: Sequence[str]) -> Weights:
        """What symbols weigh in all models."""
        return self._matcher.weigh(symbols)

    def emotives(self, ranking: Ranking) -> Mapping[int, Felt]:
        """The emotives, as they are now, of those models of a ranking that have any, by place."""
        if not self._emotives:
            return {}
        known = enumerate(map(self._emotives.get, ranking.names))
        return {place: felt for place, felt in known if felt}

    def get(self, name: str) -> Model:
        """The model of this name, with or without its prefix.

        @raise ModelNotFound: where there is none.
        """
        full = full_name(name)
        learned = self._matcher.get(full)
        if learned is None:
            raise ModelNotFound(f"model_name: no model is called {shown(name)}")
        return Model(full, learned.sequence, learned.frequency, self._emotives.get(full, ()))

    def knows(self, sequence: Events) -> bool:
        """Whether this sequence was learned."""
        return self._matcher.find(sequence) is not None

    def page(self, limit: int, after: str | None) -> tuple[list[Model], str | None]:
        """The next C{limit} models by name after C{after}, and where the page after begins."""
        names = self._matcher.page(None if after is None else full_name(after), limit + 1)
        page = names[:limit]
        return list(map(self.get, page)), page[-1] if len(names) > limit else None

    def learn(self, sequence: Events, emotives: Emotives, persistence: int) -> Model:
        """Learn a sequence once more, or for the first time."""
        name = self._matcher.find(sequence)
        if name is None:
            return self._learn_new(sequence, (emotives,) if emotives else ())
        known = self.get(name)
        entries = (*known.emotives, emotives) if emotives else known.emotives
        return self._put(
            known, Model(name, known.sequence, known.frequency + 1, entries[-persistence:])
        )

    def _learn_new(self, sequence: Events, entries: Felt) -> Model:
        name = model_name(sequence)
        if self._matcher.get(name) is not None:
            raise AssertionError(f"two sequences have the SHA-1 of {name}")
        model = Model(name, sequence, 1, entries)
        self._take_in(model)
        self._changed[name] = model
        return model

    def update(self, name: str, frequency: int | None, emotives: Felt | None) -> Model:
        """Give a model another frequency, other emotives, or both.

        @raise ModelNotFound: where there is none of this name.
        """
        known = self.get(name)
        model = replace(
            known,
            frequency=known.frequency if frequency is None else frequency,
            emotives=known.emotives if emotives is None else emotives,
        )
        return self._put(known, model)

    def _put(self, known: Model, model: Model) -> Model:
        """Put a model in the place of what it was."""
        if model.frequency != known.frequency:
            self._matcher.reweigh(model.name, model.frequency)
        self._feel(model)
        if self._fingerprint is not None:
            self._fingerprint.remove(known)
            self._fingerprint.add(model)
        self._changed[model.name] = model
        return model

    def _feel(self, model: Model) -> None:
        if model.emotives:
            self._emotives[model.name] = model.emotives
        else:
            self._emotives.pop(model.name, None)

    def delete(self, name: str) -> Model:
        """Forget a model, as if it had never been learned; gives what it was.

        @raise ModelNotFound: where there is none of this name.
        """
        model = self.get(name)
        self._matcher.remove(model.name)
        if self._fingerprint is not None:
            self._fingerprint.remove(model)
        self._emotives.pop(model.name, None)
        self._changed.pop(model.name, None)
        self._deleted[model.name] = None
        return model

    def drain(self) -> KnowledgeChanges:
        """What the store does not have yet; it deletes before it writes, so a model may be both."""
        changes = KnowledgeChanges(
            self._forgets, tuple(self._changed.values()), tuple(self._deleted)
        )
        self._changed.clear()
        self._deleted.clear()
        self._forgets = False
        return changes

    def forget_stored(self) -> None:
        """The store's models are to be forgotten: this memory takes the place of another."""
        self._forgets = True

    def load(self, models: Iterable[Model]) -> None:
        """Take in what the store has."""
        for model in models:
            self._take_in(model)

    def pack(self) -> bytes | None:
        """All models, to be taken in again by L{unpack}; C{None} where the matcher has nothing
        that would spare time."""
        dumped = self._matcher.dump()
        if dumped is None:
            return None
        return pack(Packed(self._emotives, self.fingerprint, dumped))

    def unpack(self, index: bytes) -> bool:
        """Take in what L{pack} gave, while there are no models yet.  C{False}: it is damaged, or
        another program's or matcher's, and nothing was taken in."""
        packed = unpack(index)
        if packed is None or not self._matcher.load(packed.dumped):
            return False
        self._emotives.update(packed.emotives)
        if self._fingerprint is not None:
            self._fingerprint = self._found(packed.fingerprint)
        return True

    def _found(self, told: bytes | None) -> Fingerprint:
        """The fingerprint of models that were unpacked: what stood beside them, or else made by
        going over them all."""
        if told is not None:
            return Fingerprint(told)
        made = Fingerprint()
        self.made_fingerprint = True
        names = self._matcher.page(None, _PAGE)
        while names:
            for name in names:
                made.add(self.get(name))
            names = self._matcher.page(names[-1], _PAGE)
        return made

    def _take_in(self, model: Model) -> None:
        self._matcher.add(model.name, model.sequence, model.frequency)
        self._feel(model)
        if self._fingerprint is not None:
            self._fingerprint.add(model)
