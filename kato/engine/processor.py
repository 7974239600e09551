"""A processor: what it observes, learns and predicts (SPEC 1 to 6), without a wire or a clock.

It changes only in the methods that say so, each of which either does all of its work or raises and
does nothing.  What changed since it was last asked is told by L{Processor.drain}.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from kato.accuracy import Accuracy, mark_of
from kato.changes import Changes, Gathered, Percept, Remembered, Snapshot, State, Window
from kato.codec import SelfWriting
from kato.engine.arrays import NUMPY, Arrays
from kato.engine.auto_learning import learns_at, left_of
from kato.engine.emotives import averages, gather
from kato.engine.knowledge import Knowledge
from kato.engine.limits import MAX_EVENTS, MAX_GATHERED, MAX_MODELS, MAX_VECTORS, too_many_events
from kato.engine.matchers import best_matcher
from kato.engine.matching import Matcher, MemoryUse
from kato.engine.observed import Observed, SequenceObserved
from kato.engine.outlook import Outlook
from kato.engine.perceiving import event_of
from kato.engine.recollection import Recollection
from kato.engine.rehearsal import Rehearsal
from kato.engine.room import Room, Trial
from kato.engine.space import Space
from kato.engine.stm import ShortTermMemory
from kato.engine.vectors import VectorMemory
from kato.errors import ObservationNotFound
from kato.fields import shown
from kato.genes import Genes
from kato.happenings import Cleared, Happened, Learned, Seen, Story
from kato.model import Emotives, Model
from kato.observation import Event, Observation


class Processor:
    """A deterministic memory of sequences.

    >>> processor = Processor("p1")
    >>> for word in ("alpha", "beta", "gamma"):
    ...     _ = processor.observe(Observation(strings=(word,)))
    >>> processor.learn()
    'MODEL|24e0f524f26eecfb14849cf3b3b57c44f3e705c2'
    >>> for word in ("alpha", "beta"):
    ...     _ = processor.observe(Observation(strings=(word,)))
    >>> [best] = processor.predictions()
    >>> best["future"], best["evidence"]
    ([['gamma']], 0.666666666667)
    >>> processor.forecast()
    [{'event': ['gamma'], 'share': 1.0, 'models': 1, 'frequency': 1}]
    """

    def __init__(
        self,
        processor_id: str,
        *,
        genes: Genes | None = None,
        name: str | None = None,
        max_events: int = MAX_EVENTS,
        max_models: int = MAX_MODELS,
        max_vectors: int = MAX_VECTORS,
        max_gathered: int = MAX_GATHERED,
        matcher: Callable[[], Matcher] = best_matcher,
        arrays: Arrays = NUMPY,
        fingerprinted: bool = False,
    ) -> None:
        """
        @param processor_id: how it is addressed.
        @param name: how people call it; its id where none is given.
        @param max_events: how many events its short-term memory may hold,
        @param max_models: how many models it may learn,
        @param max_vectors: how many vectors it may hold, learned or not,
        @param max_gathered: and how many names of emotives between two learnings.
        @param matcher: makes an empty matcher; the best provider there is, where none is given.
        @param arrays: where many vectors are compared.
        @param fingerprinted: whether its models are to have a fingerprint (L{Outlook.fingerprint}).
        """
        self.id = processor_id
        self.name = processor_id if name is None else name
        self.genes = genes or Genes()
        self.interval = 0
        self.revision = 0
        """How many operations have changed it; who carries them out counts them."""
        self._accuracy: Accuracy | None = None
        self._max_events = max_events
        self._max_models = max_models
        self._max_vectors = max_vectors
        self._max_gathered = max_gathered
        self._new_matcher = matcher
        self._stm = ShortTermMemory()
        self._fingerprinted = fingerprinted
        self.outgrew_index = False
        """Whether it was restored from an index that lacks something which L{index} has."""
        self._knowledge = Knowledge(matcher(), fingerprinted=fingerprinted)
        self._arrays = arrays
        self._vectors = VectorMemory(arrays)
        self._emotives: dict[str, Gathered] = {}
        self._percept = Percept()
        self._percept_id: str | None = None
        self._percept_changed = False
        self._observations = Recollection("observation")
        self._requests = Recollection("request")
        self._version = 0
        self._outlook = Outlook((), self._knowledge, self.genes)
        self._seen_from = (self._version, self._stm.window)

    # What it is now

    @property
    def models(self) -> int:
        """How many models it has learned."""
        return len(self._knowledge)

    @property
    def symbols(self) -> int:
        """How many distinct symbols all models have."""
        return self._knowledge.symbols

    @property
    def matcher(self) -> str:
        """Which provider of the matching seam holds its models: C{native} or C{python}."""
        return self._knowledge.kind

    @property
    def memory(self) -> MemoryUse:
        """What its models take, in bytes."""
        return self._knowledge.memory()

    @property
    def vectors(self) -> int:
        """How many vectors it has learned."""
        return len(self._vectors)

    @property
    def vectors_held(self) -> int:
        """How many there are with those that were observed, and not learned yet."""
        return self._vectors.held

    @property
    def window(self) -> Window:
        """The span of the present short-term memory; C{end - start} is its length."""
        return self._stm.window

    def short_term_memory(self, window: Window | None = None) -> list[list[str]]:
        """The events of the present short-term memory, or of an earlier one that an answer still
        remembers."""
        events = self._stm.events if window is None else self._stm.at(window)
        return [list(event) for event in events]

    @property
    def percept(self) -> Percept:
        """The last observation as accepted, and the last event."""
        observation, made_id = self._percept.observation, self._percept_id
        if made_id is not None and observation is not None:
            self._percept = replace(
                self._percept, observation=replace(observation, unique_id=made_id)
            )
            self._percept_id = None
        return self._percept

    @property
    def emotives(self) -> Emotives:
        """The averages of the emotives gathered since the last learning or clearing."""
        return averages(self._emotives)

    @property
    def accuracy(self) -> Accuracy | None:
        """How often forecasts came true; C{None} where gene C{track_accuracy} is off and nothing
        was ever counted."""
        if self._accuracy is None and self.genes.track_accuracy:
            return Accuracy()
        return self._accuracy

    # Observing and learning

    def observe(
        self, observation: Observation, *, now: float = 0.0, made_id: str | None = None
    ) -> Observed:
        """Observe one moment, and learn at once where gene C{max_sequence_length} says so.

        @param now: the time, in Unix seconds, which is only ever given back.
        @param made_id: the id that the answer and the percept show where the observation has none;
            it is not remembered.
        @raise Conflict: where its C{unique_id} was used for another observation.
        @raise LimitReached: where short-term memory is full, or long-term memory for what would be
            learned.
        """
        key = observation.unique_id
        if key is not None:
            known = self._observations.find(key, observation.digest(), "unique_id")
            if known is not None:
                return self._observed_before(known)
        self._judge_room(observation)
        return self._observe(observation, now, made_id)

    def _observed_before(self, known: Remembered) -> Observed:
        assert known.window is not None, "every observation remembers its window"
        return Observed(
            known.key,
            known.fields["auto_learned_model"],
            known.fields["bounded"],
            known.window,
            known.interval,
            known.time_stamp,
            repeated=True,
        )

    def _judge_room(self, observation: Observation) -> None:
        """See that it fits, and what it would have learned at once.

        @raise LimitReached: where it does not.
        """
        if observation.vectors or observation.emotives:
            space = self._space()
            if not space.holds((observation,)):
                space.take(observation)
        if not observation.has_event:
            return
        if len(self._stm) >= self._max_events:
            raise too_many_events(self._max_events)
        if learns_at(len(self._stm) + 1, self.genes) and not self._room().holds(1):
            event, _ = event_of(observation, self._vectors, self.genes)
            self._room().take((*self._stm.events, event))

    def _room(self) -> Room:
        return Room(self._knowledge, self._max_models)

    def _space(self) -> Space:
        return Space(
            self._vectors,
            self._emotives,
            max_vectors=self._max_vectors,
            max_emotives=self._max_gathered,
        )

    def _observe(self, observation: Observation, now: float, made_id: str | None) -> Observed:
        """Observe what was found fit."""
        event, bounded = event_of(observation, self._vectors, self.genes)
        if event and self.genes.track_accuracy:
            mark = mark_of(event, self.forecast())
            self._accuracy = (self._accuracy or Accuracy()).marked(mark)
        self._changing()
        self.interval += 1
        gather(self._emotives, observation.emotives)
        for vector in observation.vectors:
            self._vectors.observe(vector)
        learned = None
        if event:
            self._stm.append(event)
            if learns_at(len(self._stm), self.genes):
                learned = self._learn(left_of(len(self._stm), self.genes), automatic=True)
        self._perceive(observation, event, made_id)
        observed = Observed(
            made_id if observation.unique_id is None else observation.unique_id,
            None if learned is None else learned.model_name,
            bounded,
            self._stm.window,
            self.interval,
            now,
            learned=learned,
        )
        if observation.unique_id is not None:
            self._remember_observation(observation.unique_id, observation.digest(), observed)
        return observed

    def _perceive(self, observation: Observation, event: Event, made_id: str | None) -> None:
        """Keep what was observed; an id that was made is put in when somebody looks."""
        self._percept_id = made_id if observation.unique_id is None else None
        self._percept = Percept(observation, event or self._percept.event)
        self._percept_changed = True

    def _remember_observation(self, key: str, digest: str, observed: Observed) -> None:
        fields = {"auto_learned_model": observed.auto_learned_model, "bounded": observed.bounded}
        self._observations.remember(
            key, digest, fields, observed.window, observed.interval, observed.time_stamp
        )
        self._stm.pin(observed.window)
        self._release_forgotten()

    def observe_sequence(
        self,
        observations: Sequence[Observation],
        *,
        learn_after_each: bool = False,
        learn_at_end: bool = False,
        now: float = 0.0,
        make_id: Callable[[], str] | None = None,
    ) -> SequenceObserved:
        """Observe and learn one after the other, but all of it or nothing.

        @param make_id: makes the id that the percept shows, where the last one has none.
        @raise Conflict: where a C{unique_id} was used for another observation.
        @raise LimitReached: where short-term memory would be too full at one of them, or long-term
            memory for what would be learned.
        """
        rehearsal = self._rehearsal(observations)
        fresh = rehearsal.go(observations, learn_after_each, learn_at_end)
        story = Story(self._stm.events)
        bounded = False
        last = len(fresh) - 1 - fresh[::-1].index(True) if any(fresh) else -1
        for i, (observation, is_fresh) in enumerate(zip(observations, fresh, strict=True)):
            if is_fresh:
                # Of ids that are made, only the last is ever told: in the percept.
                made_id = make_id() if make_id is not None and i == last else None
                observed = self._observe(observation, now, made_id)
                if observed.learned is None and self._stm.events is story.events:
                    story.seen(observation)
                else:
                    story.happened(self.seen(observation, observed), events=self._stm.events)
                bounded = bounded or observed.bounded
            if learn_after_each:
                story.happened((self.learn_and_tell(),), events=self._stm.events)
        if learn_at_end:
            story.happened((self.learn_and_tell(),), events=self._stm.events)
        happened = story.end()
        names = tuple(each.model_name for each in happened if isinstance(each, Learned))
        return SequenceObserved(sum(fresh), names, bounded, self._stm.window, happened)

    def seen(self, observation: Observation, observed: Observed) -> tuple[Happened, ...]:
        """What the last observation did, where it was not a repeated one."""
        seen = Seen(observation, observed.unique_id, self._stm.events, len(self._stm))
        return (seen,) if observed.learned is None else (seen, observed.learned)

    def _rehearsal(self, observations: Sequence[Observation]) -> Rehearsal:
        room, trial, space = self._room(), None, self._space()
        if not room.holds(2 * len(observations) + 1):
            trial = Trial(room, self._stm.events, self._vectors, self.genes)
        return Rehearsal(
            self._observations,
            length=len(self._stm),
            max_events=self._max_events,
            genes=self.genes,
            trial=trial,
            space=None if space.holds(observations) else space,
        )

    def learn(self) -> str:
        """Make a model of short-term memory, and empty it.

        @return: the model's name, or C{""} where there were fewer than 2 symbols.
        @raise LimitReached: where there may be no more models.
        """
        learned = self.learn_and_tell()
        return learned.model_name if isinstance(learned, Learned) else ""

    def learn_and_tell(self) -> Learned | Cleared:
        """Do as L{learn} does; tells what happened."""
        room = self._room()
        if not room.holds(1):
            room.take(tuple(self._stm.events))
        self._changing()
        return self._learn(0) or Cleared()

    def _learn(self, left: int, *, automatic: bool = False) -> Learned | None:
        """Learn, and leave the last C{left} events; C{None}: so few symbols make no model."""
        sequence = tuple(self._stm.events)
        length = sum(map(len, sequence))
        learned = None
        if length >= 2:
            emotives = averages(self._emotives)
            model = self._knowledge.learn(sequence, emotives, self.genes.persistence)
            learned = Learned(model.name, model.frequency, length, automatic, left)
        self._emotives.clear()
        self._vectors.learn()
        self._stm.keep_last(left)
        return learned

    def clear_short_term_memory(self) -> None:
        """Empty short-term memory, and forget the emotives and vectors gathered with it."""
        self._changing()
        self._stm.keep_last(0)
        self._emotives.clear()
        self._vectors.drop_pending()
        self._percept = replace(self.percept, event=())
        self._percept_changed = True

    def clear_all_memory(self) -> None:
        """Forget all but the genes and the answers that may be asked for again."""
        self.clear_short_term_memory()
        self._accuracy = None
        self._knowledge = Knowledge(self._new_matcher(), fingerprinted=self._fingerprinted)
        self._knowledge.forget_stored()
        self._vectors = VectorMemory(self._arrays)
        self._percept, self._percept_id = Percept(), None
        self.interval = 0

    # Genes and models

    def change_genes(self, values: Mapping[str, Any]) -> Genes:
        """Take judged values for some genes; gives the genes as they were."""
        old = self.genes
        self._changing()
        self.genes = old.changed(values)
        return old

    def model(self, name: str) -> Model:
        """The model of this name, with or without its prefix.

        @raise ModelNotFound: where there is none.
        """
        return self._knowledge.get(name)

    def list_models(self, limit: int, after: str | None) -> tuple[list[Model], str | None]:
        """The next C{limit} models by name after C{after}, and C{after} for the next page."""
        return self._knowledge.page(limit, after)

    def update_model(
        self,
        name: str,
        frequency: int | None = None,
        emotives: tuple[Emotives, ...] | None = None,
    ) -> Model:
        """Give a model another frequency, other emotives, or both.

        @raise ModelNotFound: where there is none of this name.
        """
        model = self._knowledge.update(name, frequency, emotives)
        self._changing()
        return model

    def delete_model(self, name: str) -> Model:
        """Forget a model, as if it had never been learned; gives what it was.

        @raise ModelNotFound: where there is none of this name.
        """
        model = self._knowledge.delete(name)
        self._changing()
        return model

    # Predicting

    def predictions(self, unique_id: str | None = None) -> SelfWriting:
        """The predictions, best first, for short-term memory as it is, or as it was right after
        the observation C{unique_id}.

        @raise ObservationNotFound: where that observation is not remembered.
        """
        return self.outlook(unique_id).predictions()

    def outlook(self, unique_id: str | None = None) -> Outlook:
        """What short-term memory lets expect, as it is, or as it was right after the observation
        C{unique_id}; it holds until something changes.

        @raise ObservationNotFound: where that observation is not remembered.
        """
        window = self._window_after(unique_id)
        if window is None:
            raise ObservationNotFound(f"unique_id: no observation {shown(unique_id)} is remembered")
        return self._outlook_from(window)

    def forecast(self, limit: int = 10) -> list[dict[str, Any]]:
        """What comes next, best first, at most C{limit} entries; the caller leaves them as they
        are."""
        return self._outlook_from(self._stm.window).forecast(limit)

    def explain(self, name: str) -> dict[str, Any]:
        """Why the model of this name is among the L{predictions} now, or is not, with every number
        as a formula (docs/explain.md).

        @raise ModelNotFound: where there is none.
        """
        return self._outlook_from(self._stm.window).explain(self.model(name))

    def has_predictions(self, unique_id: str | None = None) -> bool:
        """Whether L{predictions} has its answer already, nothing having changed since."""
        window = self._window_after(unique_id)
        return self._holds_for(window) and self._outlook.has_predictions

    def has_forecast(self, limit: int = 10) -> bool:
        """Whether L{forecast} has its answer already, nothing having changed since."""
        return self._holds_for(self._stm.window) and self._outlook.has_forecast(limit)

    def _window_after(self, unique_id: str | None) -> Window | None:
        """Short-term memory as it is, or as it was right after an observation that is still
        remembered."""
        if unique_id is None:
            return self._stm.window
        known = self._observations.get(unique_id)
        return None if known is None else known.window

    def _holds_for(self, window: Window | None) -> bool:
        return self._seen_from == (self._version, window)

    def _outlook_from(self, window: Window) -> Outlook:
        """The outlook from an earlier memory or the present one, with models and genes as they
        are; the last one is kept as long as it holds."""
        if not self._holds_for(window):
            state = tuple(chain.from_iterable(self._stm.at(window)))
            self._outlook = Outlook(state, self._knowledge, self.genes)
            self._seen_from = (self._version, window)
        return self._outlook

    # Answers that may be asked for again

    def answered_before(self, request_id: str, digest: str) -> Remembered | None:
        """The answer that this request got when it came first.

        @raise Conflict: where its id was used for something else.
        """
        return self._requests.find(request_id, digest, "request_id")

    def remember_answer(
        self,
        request_id: str,
        digest: str,
        fields: dict[str, Any],
        window: Window | None,
        interval: int,
        time_stamp: float,
    ) -> None:
        """Keep an answer, with the interval and the time that it told, for when its request comes
        again."""
        self._requests.remember(request_id, digest, fields, window, interval, time_stamp)
        if window is not None:
            self._stm.pin(window)
        self._release_forgotten()

    def _release_forgotten(self) -> None:
        """An answer without a window forgets an older one as well, which may have had the last."""
        starts = (self._observations.oldest_start, self._requests.oldest_start)
        remembered = [start for start in starts if start is not None]
        self._stm.release_before(min(remembered, default=self._stm.window.end))

    # What a store needs to know

    def _changing(self) -> None:
        """Something is about to change: what was computed before no longer holds."""
        self._version += 1

    def drain(self) -> Changes:
        """All that changed since the last time, which is then no longer told."""
        events, dropped = self._stm.drain()
        vectors, forgets_pending = self._vectors.drain()
        knowledge = self._knowledge.drain()
        observations, oldest_observation = self._observations.drain()
        requests, oldest_request = self._requests.drain()
        percept = self.percept if self._percept_changed else None
        self._percept_changed = False
        return Changes(
            processor=self.id,
            state=self._state(),
            percept=percept,
            forgets_memory=knowledge.forgets,
            forgets_pending=forgets_pending,
            deleted_models=knowledge.deleted,
            dropped_events=dropped,
            models=knowledge.models,
            vectors=vectors,
            events=events,
            observations=observations,
            oldest_observation=oldest_observation,
            requests=requests,
            oldest_request=oldest_request,
        )

    def index(self) -> bytes | None:
        """All models as they are now, for a snapshot of just these: L{restore} then has no need to
        go over them.  C{None} where that would spare no time."""
        return self._knowledge.pack()

    def _state(self) -> State:
        return State(
            name=self.name,
            genes=self.genes,
            interval=self.interval,
            window=self._stm.window,
            emotives=dict(self._emotives),
            revision=self.revision,
            accuracy=self._accuracy,
        )

    @classmethod
    def restore(
        cls,
        snapshot: Snapshot,
        *,
        max_events: int = MAX_EVENTS,
        max_models: int = MAX_MODELS,
        max_vectors: int = MAX_VECTORS,
        max_gathered: int = MAX_GATHERED,
        matcher: Callable[[], Matcher] = best_matcher,
        arrays: Arrays = NUMPY,
        fingerprinted: bool = False,
    ) -> "Processor":
        """Build a processor again from what the store has of it."""
        state = snapshot.state
        processor = cls(
            snapshot.processor,
            genes=state.genes,
            name=state.name,
            max_events=max_events,
            max_models=max_models,
            max_vectors=max_vectors,
            max_gathered=max_gathered,
            matcher=matcher,
            arrays=arrays,
            fingerprinted=fingerprinted,
        )
        processor.interval = state.interval
        processor.revision = state.revision
        processor._accuracy = state.accuracy
        processor._emotives = dict(state.emotives)
        processor._percept = snapshot.percept
        processor._stm = ShortTermMemory.restore(state.window, snapshot.events)
        processor._vectors = VectorMemory.restore(snapshot.vectors, arrays)
        processor._observations = Recollection.restore("observation", snapshot.observations)
        processor._requests = Recollection.restore("request", snapshot.requests)
        for remembered in chain(snapshot.observations, snapshot.requests):
            if remembered.window is not None:
                processor._stm.pin(remembered.window)
        if snapshot.index is None or not processor._knowledge.unpack(snapshot.index):
            processor._knowledge.load(snapshot.models)
        processor.outgrew_index = processor._knowledge.made_fingerprint
        return processor
