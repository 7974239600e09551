"""Long-term memory: the models of one processor (SPEC 2, 3)."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from kato.engine.matching import Kept, Matcher
from kato.errors import ModelNotFound
from kato.fields import shown
from kato.model import Emotives, Model, full_name, model_name
from kato.model import Sequence as Events


class KnowledgeChanges(NamedTuple):
    """What the store does not have yet."""

    forgets: bool
    models: tuple[Model, ...]
    deleted: tuple[str, ...]


class Knowledge:
    """Models by name and by sequence, and the matcher that holds them too."""

    def __init__(self, matcher: Matcher) -> None:
        """@param matcher: an empty one, which is then only spoken to through here."""
        self._matcher = matcher
        self._models: dict[str, Model] = {}
        self._names: dict[Events, str] = {}
        self._sorted: list[str] | None = None
        self._changed: dict[str, None] = {}
        self._deleted: dict[str, None] = {}
        self._forgets = False

    def __len__(self) -> int:
        return len(self._models)

    def __iter__(self) -> Iterator[Model]:
        return iter(self._models.values())

    @property
    def symbols(self) -> int:
        """How many distinct symbols all models have."""
        return self._matcher.symbols

    def kept(self, state: Sequence[str], threshold: float) -> Kept:
        """The models that C{state} keeps."""
        return self._matcher.kept(state, threshold)

    def get(self, name: str) -> Model:
        """The model of this name, with or without its prefix.

        @raise ModelNotFound: where there is none.
        """
        model = self._models.get(full_name(name))
        if model is None:
            raise ModelNotFound(f"model_name: no model is called {shown(name)}")
        return model

    def page(self, limit: int, after: str | None) -> tuple[list[Model], str | None]:
        """The next C{limit} models by name after C{after}, and where the page after begins."""
        if self._sorted is None:
            self._sorted = sorted(self._models)
        start = bisect_right(self._sorted, full_name(after)) if after is not None else 0
        names = self._sorted[start : start + limit]
        more = start + limit < len(self._sorted)
        return [self._models[name] for name in names], names[-1] if more else None

    def learn(self, sequence: Events, emotives: Emotives, persistence: int) -> Model:
        """Learn a sequence once more, or for the first time."""
        name = self._names.get(sequence)
        if name is None:
            return self._learn_new(sequence, (emotives,) if emotives else ())
        known = self._models[name]
        entries = (*known.emotives, emotives) if emotives else known.emotives
        return self._put(
            replace(known, frequency=known.frequency + 1, emotives=entries[-persistence:])
        )

    def _learn_new(self, sequence: Events, entries: tuple[Emotives, ...]) -> Model:
        name = model_name(sequence)
        if name in self._models:
            raise AssertionError(f"two sequences have the SHA-1 of {name}")
        model = Model(name, sequence, 1, entries)
        self._take_in(model)
        self._sorted = None
        self._changed[name] = None
        return model

    def update(
        self, name: str, frequency: int | None, emotives: tuple[Emotives, ...] | None
    ) -> Model:
        """Give a model another frequency, other emotives, or both.

        @raise ModelNotFound: where there is none of this name.
        """
        model = self.get(name)
        return self._put(
            replace(
                model,
                frequency=model.frequency if frequency is None else frequency,
                emotives=model.emotives if emotives is None else emotives,
            )
        )

    def _put(self, model: Model) -> Model:
        if model.frequency != self._models[model.name].frequency:
            self._matcher.reweigh(model.name, model.frequency)
        self._models[model.name] = model
        self._changed[model.name] = None
        return model

    def delete(self, name: str) -> Model:
        """Forget a model, as if it had never been learned; gives what it was.

        @raise ModelNotFound: where there is none of this name.
        """
        model = self.get(name)
        self._matcher.remove(model.name)
        del self._models[model.name]
        del self._names[model.sequence]
        self._sorted = None
        self._changed.pop(model.name, None)
        self._deleted[model.name] = None
        return model

    def drain(self) -> KnowledgeChanges:
        """What the store does not have yet; it deletes before it writes, so a model may be both."""
        changes = KnowledgeChanges(
            self._forgets,
            tuple(self._models[name] for name in self._changed),
            tuple(self._deleted),
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

    def _take_in(self, model: Model) -> None:
        self._matcher.add(model)
        self._models[model.name] = model
        self._names[model.sequence] = model.name
