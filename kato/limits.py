"""How much one may ask for (SPEC 8 and 9): every limit with its default, and what is judged by it.

What is counted elsewhere, such as connections, is counted where it happens; how many there may be
stands here.
"""

from dataclasses import dataclass

from kato.codec import MAX_MESSAGE
from kato.commands import Command, Observe, ObserveSequence, UpdateModel
from kato.errors import InvalidRequest
from kato.fields import shown, within
from kato.observation import Observation

MAX_VALUES = 1_000_000
"""How many values a message may hold, if nothing else is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much there may be at most.

    C{message} is in bytes, and C{values} are all in a message but the keys of its objects.
    C{symbols} are the strings and vectors of one observation, C{components} those of a vector,
    C{emotives} those of an observation or of an entry of a model, C{observations} those of one
    request; C{string} is in code points.

    C{connections}, C{requests} under way and bytes that are C{buffered} are those of a process,
    C{waiting} requests those for one processor, C{subscriptions} those of a connection.

    In seconds are C{idle}, for which a connection of HTTP may be silent, C{arrival}, in which a
    request must come whole, and C{greeting}, in which a WebSocket must tell its key.
    """

    message: int = MAX_MESSAGE
    values: int = MAX_VALUES
    symbols: int = 10_000
    components: int = 65_536
    emotives: int = 1_000
    observations: int = 10_000
    string: int = 65_536
    connections: int = 10_000
    requests: int = 10_000
    waiting: int = 10_000
    subscriptions: int = 1_000
    buffered: int = 96 * 2**20
    idle: int = 60
    arrival: int = 300
    greeting: int = 10

    @property
    def guests(self) -> int:
        """How many connections there may be that have told no key, where keys are asked for."""
        return max(1, self.connections // 2)

    def check(self, command: Command) -> None:
        """See that a command asks for no more than it may; metadata is bounded by the message.

        @raise InvalidRequest: which names the field at fault.
        """
        params = command.params
        if isinstance(params, Observe):
            self._check_observation(params.observation, "")
        elif isinstance(params, ObserveSequence):
            _count(len(params.observations), self.observations, "observations", "observations")
            for number, each in enumerate(params.observations):
                self._check_observation(each, f"observations[{number}]")
        else:
            if isinstance(params, UpdateModel):
                for number, named in enumerate(params.emotives or ()):
                    self._check_emotives(named, f"emotives[{number}]")
            for name in ("model_name", "unique_id", "after"):
                self._check_string(getattr(params, name, None), name)

    def _check_observation(self, observation: Observation, path: str) -> None:
        strings, vectors = observation.strings, observation.vectors
        if len(strings) + len(vectors) > self.symbols:
            most = "strings" if len(strings) >= len(vectors) else "vectors"
            raise InvalidRequest(
                f"{within(path, most)}: {len(strings):,} strings and {len(vectors):,} vectors "
                f"are over the limit of {self.symbols:,} symbols"
            )
        if strings and max(map(len, strings)) > self.string:
            for number, each in enumerate(strings):
                self._check_string(each, within(path, f"strings[{number}]"))
        for number, vector in enumerate(vectors):
            if len(vector) > self.components:
                where = within(path, f"vectors[{number}]")
                _count(len(vector), self.components, where, "components")
        if observation.emotives:
            self._check_emotives(observation.emotives, within(path, "emotives"))
        if observation.unique_id is not None:
            self._check_string(observation.unique_id, within(path, "unique_id"))

    def _check_emotives(self, emotives: dict[str, float], path: str) -> None:
        _count(len(emotives), self.emotives, path, "emotives")
        for name in emotives:
            self._check_string(name, f"{path}: key")

    def _check_string(self, value: str | None, path: str) -> None:
        if value is not None and len(value) > self.string:
            raise InvalidRequest(
                f"{path}: {len(value):,} characters are over the limit of {self.string:,}, "
                f"got {shown(value[:100])}"
            )


def _count(many: int, most: int, path: str, what: str) -> None:
    if many > most:
        raise InvalidRequest(f"{path}: {many:,} {what} are over the limit of {most:,}")
