"""Clients of the fault test.  Each has processors of its own, and believes no answer."""

import http.client
import random
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from threading import Event, Lock
from typing import Any, Protocol

from kato.model import model_name
from tests.live.metronome import Metronome
from tests.live.mirror import Mirror, Sent
from tests.live.speaking import Answer, Speaker

TIMEOUT = 3.0
"""Seconds after which a gateway answers C{TIMEOUT}."""
LATE = 2.0
"""Seconds that an answer may take beyond that."""
_PATIENCE = 60.0
"""Seconds after which what is said again and again must have been answered."""

_PAUSE = 0.02
"""Seconds until what failed is said again."""

PASSING = frozenset({"PROCESSOR_UNAVAILABLE", "TIMEOUT", "TOO_MANY_REQUESTS"})
"""Errors that say: not now."""

GENES = {"max_sequence_length": 6, "stm_mode": "ROLLING", "persistence": 3}
_SCRIPT = 80
"""How much is said to one processor, before the next one has its turn;"""
_OPEN_ENDS = 3
"""it has it at once where the outcome of so many requests is unknown."""
_LOOK = Sent("get_cognition_data", {})
_ALL_MODELS = Sent("list_models", {"limit": 10_000})


class Surroundings(Protocol):
    """What a client knows of the rest."""

    metronome: Metronome
    over: Event

    @property
    def kills(self) -> int:
        """Rises before and after a service is killed."""

    @property
    def upheavals(self) -> int:
        """Rises before a gateway ends, and again when the next one is ready."""

    def speak(self, gone: Callable[[], bool], *, over_zmq: bool) -> Speaker:
        """Connect to the gateway.

        @param gone: tells whether it is another one by now.
        """

    def heard(self, answer: Answer | None) -> None:
        """A request came to this."""


class Wrong(AssertionError):
    """What must not happen."""


class Asker:
    """Says operations, and hears the answer to each, in time, unless the gateway goes away."""

    def __init__(self, around: Surroundings, *, over_zmq: bool = False) -> None:
        self._around = around
        self._over_zmq = over_zmq
        self._speaker: Speaker | None = None
        self._since = 0

    def _shaken(self) -> bool:
        """Whether the gateway to which this speaks may have gone away."""
        return self._since % 2 == 1 or self._around.upheavals != self._since

    def _connected(self) -> Speaker:
        if self._speaker is None:
            self._since = self._around.upheavals
            self._speaker = self._around.speak(self._shaken, over_zmq=self._over_zmq)
        return self._speaker

    def ask(self, sent: Sent, processor: str) -> Answer | None:
        """Say it once; gives the answer, C{None} where the gateway went away before.

        @raise Wrong: where there should have been one, or sooner.
        """
        return self.ask_all([sent], processor)[0]

    def ask_all(self, sent: Sequence[Sent], processor: str) -> Sequence[Answer | None]:
        """Say several things once, as much at a time as can be; see L{ask}."""
        began = self._around.metronome.seconds
        said = [(each.operation, each.params, processor, each.request_id) for each in sent]
        try:
            answers = self._connected().ask_all(said)
        except (OSError, http.client.HTTPException) as error:
            self.hang_up()
            if not self._shaken():
                raise Wrong(f"no answer to {sent} for {processor}: {error!r}") from error
            return [None] * len(sent)
        took = self._around.metronome.seconds - began
        if took > TIMEOUT + LATE:
            raise Wrong(f"{took:.1f} s until {answers} came to {sent} for {processor}")
        return answers

    def leave(self, sent: Sent, processor: str) -> None:
        """Say it, and go away at once."""
        try:
            self._connected().leave(sent.operation, sent.params, processor, sent.request_id)
        except (OSError, http.client.HTTPException) as error:
            if not self._shaken():
                raise Wrong(f"{sent} for {processor} could not be said: {error!r}") from error
        self._speaker = None

    def hang_up(self) -> None:
        """Go away."""
        if self._speaker is not None:
            self._speaker.close()
            self._speaker = None


def passes(sent: Sent, answer: Answer) -> bool:
    """Whether a request failed for now; C{False}: it did not fail.

    @raise Wrong: where it failed for good, or says that nobody knows what a mere question did.
    """
    if answer["status"] == "okay":
        return False
    if answer["error_code"] not in PASSING or (is_unknown(answer) and not sent.changes):
        raise Wrong(f"{sent} was answered {answer}")
    return True


def is_unknown(answer: Answer | None) -> bool:
    """Whether what was asked for may have happened, although there is no answer that says so."""
    return answer is None or answer.get("outcome") == "unknown"


class Tally:
    """What all clients learn in one processor: how often each sequence was, at the least and at the
    most."""

    def __init__(self, processor: str) -> None:
        self.processor = processor
        self._lock = Lock()
        self.counts: dict[str, tuple[int, int]] = {}

    def count(self, word: str, least: int, most: int) -> None:
        """Something was learned, or may have been."""
        with self._lock:
            before = self.counts.get(word, (0, 0))
            self.counts[word] = (before[0] + least, before[1] + most)

    def learning(self, word: str, request_id: str | None) -> Sent:
        """A sequence that is learned in one step."""
        sequence = [{"strings": [word]}, {"strings": ["end"]}]
        params = {"observations": sequence, "learn_at_end": True, "brief": True}
        return Sent("observe_sequence", params, request_id)

    def check(self, frequencies: dict[str, int]) -> None:
        """
        @param frequencies: of models by their name.
        @raise Wrong: where one is learned too often or not often enough.
        """
        for word, (least, most) in self.counts.items():
            frequency = frequencies.pop(model_name([(word,), ("end",)]), 0)
            if not least <= frequency <= most:
                raise Wrong(f"{word} was learned {frequency} times, not {least} to {most}")
        if frequencies:
            raise Wrong(f"nobody learned {frequencies}")


class Thinking:
    """What a client says next: any operation, with all that there is in an observation."""

    def __init__(self, chance: random.Random, name: str) -> None:
        self._chance = chance
        self._name = name
        self._numbers = count(1)

    def request_id(self) -> str:
        """One that was never used."""
        return f"{self._name}-{next(self._numbers)}"

    def next(self) -> Sent:
        """Something to say; a part of what changes anything has an id under which it may be said
        again."""
        choice = self._chance.random()
        if choice < 0.5:
            return self._named("observe", self._observation())
        if choice < 0.6:
            observations = [self._observation() for _ in range(3)]
            return self._named(
                "observe_sequence", {"observations": observations, "learn_at_end": True}
            )
        if choice < 0.72:
            return self._named("learn", {})
        if choice < 0.76:
            return self._named("clear_short_term_memory", {})
        return Sent(self._chance.choice(_QUESTIONS), {})

    def _named(self, operation: str, params: dict[str, Any]) -> Sent:
        named = self._chance.random() < 0.5
        return Sent(operation, params, self.request_id() if named else None)

    def _observation(self) -> dict[str, Any]:
        strings = [self._chance.choice("abcdef"), f"s{next(self._numbers)}"]
        observation: dict[str, Any] = {"strings": strings}
        if self._chance.random() < 0.2:
            observation["vectors"] = [[self._chance.randrange(3), self._chance.randrange(3)]]
        if self._chance.random() < 0.3:
            observation["emotives"] = {"joy": self._chance.randrange(5)}
        if self._chance.random() < 0.2:
            observation["unique_id"] = self.request_id()
        return observation


_QUESTIONS = (
    "get_predictions",
    "get_forecast",
    "get_short_term_memory",
    "get_cognition_data",
    "get_percept_data",
    "list_models",
)


class Client:
    """Speaks to one processor after the other, and to one that all share."""

    def __init__(
        self,
        around: Surroundings,
        processors: Iterator[str],
        tally: Tally,
        *,
        chance: random.Random,
        name: str,
        window: int,
    ) -> None:
        """@param window: how many requests may be under way; more than one is said over ZeroMQ."""
        self._around = around
        self._asker = Asker(around, over_zmq=window > 1)
        self._processors = processors
        self._tally = tally
        self._chance = chance
        self._thinking = Thinking(chance, name)
        self._window = window
        self._kills = 0
        self.mirrors: list[Mirror] = []

    def run(self) -> None:
        """Speak until it is over."""
        while not self._around.over.is_set():
            self._go_through(Mirror(next(self._processors)))
        self._asker.hang_up()

    def _go_through(self, mirror: Mirror) -> None:
        """Say a script to a new processor."""
        self.mirrors.append(mirror)
        genes = Sent("change_genes", {"genes": GENES}, self._thinking.request_id())
        self._insist(mirror, genes)
        while self._goes_on(mirror):
            sent = [self._thinking.next() for _ in range(self._chance.randint(1, self._window))]
            if self._chance.random() < 0.03:
                self._leave(mirror, sent[0])
            else:
                self._say_all(mirror, sent)
            if self._chance.random() < 0.1:
                self._teach()
            self._around.metronome.wait()

    def _goes_on(self, mirror: Mirror) -> bool:
        """Whether the script is not over: where too much is left open, another one is begun."""
        open_ends = len(mirror.unknown)
        return mirror.said < _SCRIPT and open_ends < _OPEN_ENDS and not self._around.over.is_set()

    def _say_all(self, mirror: Mirror, sent: Sequence[Sent]) -> None:
        """Say several things; what fails is said again if it may be, and then all is looked at."""
        failed = self._say(mirror, sent)
        for each in failed:
            if each.may_be_repeated:
                self._insist(mirror, each)
        if failed:
            self._insist(mirror, _LOOK)

    def _say(self, mirror: Mirror, sent: Sequence[Sent]) -> list[Sent]:
        """Say things once; gives those that failed.

        A question that is sent again, since its answer was lost, may come after what was said
        later, and done once already.
        """
        kills, self._kills = self._kills, self._around.kills
        answers = self._asker.ask_all(sent, mirror.processor)
        killed = self._around.kills != kills
        failed: list[Sent] = []
        early: list[tuple[Sent, Answer]] = []
        for each, answer in zip(sent, answers, strict=True):
            self._around.heard(answer)
            if killed:
                mirror.was_killed()
            if answer is None or passes(each, answer):
                failed.append(each)
                if each.changes and is_unknown(answer):
                    mirror.does_not_know(each)
            elif each.changes:
                mirror.answered(each, answer)
            else:
                early.append((each, answer))
            early = [question for question in early if not mirror.believes(*question)]
        for question in early:
            mirror.answered(*question)
        return failed

    def _leave(self, mirror: Mirror, sent: Sent) -> None:
        self._asker.leave(sent, mirror.processor)
        if sent.changes:
            mirror.does_not_know(sent)
        self._insist(mirror, _LOOK)

    def _insist(self, mirror: Mirror, sent: Sent) -> None:
        """Say something until it is answered."""
        until = self._around.metronome.seconds + _PATIENCE
        while self._say(mirror, [sent]):
            if self._around.metronome.seconds > until:
                raise Wrong(f"{sent} was never answered for {mirror.processor}")
            self._around.metronome.wait(_PAUSE)

    def _teach(self) -> None:
        """Learn something in the processor that all share: a word of its own, or everybody's."""
        own = self._thinking.request_id()
        word = own if self._chance.random() < 0.5 else self._chance.choice("xyz")
        sent = self._tally.learning(word, own if self._chance.random() < 0.5 else None)
        answer = self._asker.ask(sent, self._tally.processor)
        until = self._around.metronome.seconds + _PATIENCE
        while sent.may_be_repeated and (answer is None or passes(sent, answer)):
            if self._around.metronome.seconds > until:
                raise Wrong(f"{sent} was never answered for {self._tally.processor}")
            self._around.metronome.wait(_PAUSE)
            answer = self._asker.ask(sent, self._tally.processor)
        if answer is not None and not passes(sent, answer):
            self._tally.count(word, 1, 1)
        elif is_unknown(answer):
            self._tally.count(word, 0, 1)

    def check(self) -> None:
        """Look at all processors once more: each is what its mirror says."""
        for mirror in self.mirrors:
            for sent in (_LOOK, _ALL_MODELS):
                if self._around.kills:
                    mirror.was_killed()
                self._insist(mirror, sent)
        self._asker.hang_up()
