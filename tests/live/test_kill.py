"""Nothing that was answered C{okay} is lost when the process is killed (SPEC 11)."""

import http.client
import random
from collections import Counter
from collections.abc import Iterator
from itertools import count
from threading import Thread
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from kato.commands import Command
from kato.engine import Processor
from kato.genes import Genes
from kato.turn import take_turn
from tests.live.server import Connection, LiveServer

ROUNDS = 24
GATEWAY = ("-m", "tests.live.dying_gateway")
CLIENTS = 3
GENES = {"max_sequence_length": 6, "stm_mode": "ROLLING", "persistence": 3}

_PATHS = {
    "observe": "observe",
    "observe_sequence": "observe-sequence",
    "learn": "learn",
    "clear_short_term_memory": "clear-short-term-memory",
    "change_genes": "genes/change",
}


class Script:
    """What one client says to its own processor, one after the other, each with a request id."""

    def __init__(self, number: int, seed: int) -> None:
        self.processor = f"p{number}"
        self._random = random.Random(seed)
        self.sent: list[tuple[str, dict[str, Any]]] = [("change_genes", {"genes": GENES})]
        self.answers: dict[int, dict[str, Any]] = {}

    def next(self) -> int:
        """Think of the next operation; gives its number."""
        self.sent.append(self._operation())
        return len(self.sent) - 1

    def _operation(self) -> tuple[str, dict[str, Any]]:
        choice = self._random.random()
        if choice < 0.6:
            return "observe", self._observation()
        if choice < 0.7:
            observations = [self._observation() for _ in range(3)]
            return "observe_sequence", {"observations": observations, "learn_at_end": True}
        if choice < 0.95:
            return "learn", {}
        return "clear_short_term_memory", {}

    def _observation(self) -> dict[str, Any]:
        observation: dict[str, Any] = {"strings": self._random.choices("abcdef", k=2)}
        if self._random.random() < 0.3:
            observation["vectors"] = [[self._random.randrange(3), self._random.randrange(3)]]
        if self._random.random() < 0.3:
            observation["emotives"] = {"joy": self._random.randrange(5)}
        return observation

    def say(self, connection: Connection, number: int) -> dict[str, Any]:
        """Send the operation of this number, for the first time or again."""
        operation, params = self.sent[number]
        path = f"/{self.processor}/{_PATHS[operation]}"
        return connection.post(path, params or None, f"r{number}")

    def states(self, first: int) -> Iterator[tuple[int, dict[str, Any]]]:
        """What the processor would tell after each operation from the C{first} on, with its
        number, by an engine that never dies."""
        engine = Processor(self.processor, genes=Genes())
        for number, (operation, params) in enumerate(self.sent):
            command = Command.parse(operation, params, self.processor, f"r{number}")
            take_turn(engine, command, now=0.0, make_id=lambda: "made")
            if number >= first:
                yield number, _told_by_engine(engine)

    def last_durable(self) -> int:
        """The number of the last operation whose answer promised that it survives."""
        return max((n for n in self.answers if self._promises(n)), default=-1)

    def _promises(self, number: int) -> bool:
        operation, _ = self.sent[number]
        if operation == "observe":
            return self.answers[number]["auto_learned_model"] is not None
        return operation in ("learn", "change_genes", "observe_sequence")


def _told_by_engine(engine: Processor) -> dict[str, Any]:
    models, _ = engine.list_models(10_000, None)
    return {
        "interval": engine.interval,
        "short_term_memory": engine.short_term_memory(),
        "emotives": engine.emotives,
        "symbols": list(engine.percept.event),
        "vectors": engine.vectors,
        "models": [engine.model(each.name).as_dict() for each in models],
        "predictions": engine.predictions(),
    }


def _told_by_server(connection: Connection, processor: str) -> dict[str, Any]:
    cognition = connection.get(f"/{processor}/cognition-data")
    names = connection.get(f"/{processor}/models?limit=10000")["models"]
    return {
        **{key: cognition[key] for key in ("interval", "short_term_memory", "emotives", "symbols")},
        "vectors": connection.get(f"/{processor}/status")["vectors"],
        "models": [connection.get(f"/{processor}/model/{each['name']}")["model"] for each in names],
        "predictions": cognition["predictions"],
    }


class Shared:
    """What all clients learn in one processor, each learning with a request id."""

    def __init__(self) -> None:
        self.sent: dict[str, str] = {}

    def think(self, client: str, number: int) -> str:
        """Make up the next learning; gives its request id."""
        request_id = f"{client}-{number}"
        self.sent[request_id] = "xyz"[number % 3]
        return request_id

    def say(self, connection: Connection, request_id: str) -> None:
        sequence = [{"strings": [self.sent[request_id]]}, {"strings": ["end"]}]
        body = {"observations": sequence, "learn_at_end": True}
        connection.post("/shared/observe-sequence?brief=true", body, request_id)

    def check(self, test: SynchronousTestCase, connection: Connection) -> None:
        """Every learning that was answered is there once; sent again, all are."""
        for request_id in self.sent:
            self.say(connection, request_id)
        models = connection.get("/shared/models")["models"]
        frequencies = sorted(each["frequency"] for each in models)
        test.assertEqual(frequencies, sorted(Counter(self.sent.values()).values()))


class KillTests(SynchronousTestCase):
    """A server that is killed, and started again: in one round it dies between a commit and its
    answers, in the next at any moment."""

    def test_kill(self) -> None:
        """After each kill every processor is as after one of its operations, no earlier than the
        last that was promised; what was under way is then done once, however often it is sent."""
        seed = random.SystemRandom().randrange(2**32)
        chance = random.Random(seed)
        path = self.mktemp()
        self.shared = Shared()
        scripts = [Script(number, seed + number) for number in range(CLIENTS)]
        for number in range(ROUNDS):
            if number % 2:
                self._die_at_commit(path, scripts, chance.randrange(8, 40))
            else:
                self._die_at_answer(path, scripts, chance.randrange(8, 200))
            self._revive(path, scripts, f"seed {seed}")

    def _die_at_commit(self, path: str, scripts: list[Script], commits: int) -> None:
        """Let all clients speak until the server dies right after this many commits."""
        server = LiveServer(
            *("--storage", f"sqlite:{path}", "--checkpoint", "0.05"),
            program=GATEWAY,
            env={"DIE_AT_COMMIT": str(commits)},
        )
        self._let_speak(server, scripts, count(1))

    def _die_at_answer(self, path: str, scripts: list[Script], answers: int) -> None:
        """Let all clients speak until one of them has this many answers of all, and kills it."""
        options = ("--storage", f"sqlite:{path}", "--checkpoint", "0.05")
        server = LiveServer(*options, program=GATEWAY)
        self._let_speak(server, scripts, count(-answers))

    def _let_speak(self, server: LiveServer, scripts: list[Script], answers: "count[int]") -> None:
        """@param answers: counts them; whoever gets 0 kills the server."""
        server.start()
        self.addCleanup(server.stop)
        connection = server.connect()
        for script in scripts:
            if not script.answers:
                script.answers[0] = script.say(connection, 0)
        connection.close()
        clients = [Thread(target=self._speak, args=(server, each, answers)) for each in scripts]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        server.wait()

    def _speak(self, server: LiveServer, script: Script, answers: "count[int]") -> None:
        connection = server.connect()
        try:
            while True:
                number = script.next()
                script.answers[number] = script.say(connection, number)
                if next(answers) == 0:
                    server.kill()
                if number % 4 == 0:
                    learning = self.shared.think(script.processor, number)
                    self.shared.say(connection, learning)
        except (OSError, http.client.HTTPException):
            connection.close()

    def _revive(self, path: str, scripts: list[Script], hint: str) -> None:
        server = LiveServer("--storage", f"sqlite:{path}", program=GATEWAY).start()
        self.addCleanup(server.stop)
        connection = server.connect()
        for script in scripts:
            self._check(connection, script, hint)
        self.shared.check(self, connection)
        connection.close()
        server.terminate()

    def _check(self, connection: Connection, script: Script, hint: str) -> None:
        told = _told_by_server(connection, script.processor)
        durable = max(script.last_durable(), 0)
        states = dict(script.states(durable))
        last = max(states)
        survived = [number for number, state in states.items() if state == told]
        self.assertTrue(survived, f"{hint}: {script.processor} after {durable}: {told}")
        for number in range(survived[0] + 1, last + 1):
            script.answers[number] = script.say(connection, number)
        self.assertEqual(_told_by_server(connection, script.processor), states[last], hint)
        for number in states:
            again = script.say(connection, number)
            self.assertEqual(again, script.answers.setdefault(number, again), hint)
        self.assertEqual(_told_by_server(connection, script.processor), states[last], hint)
