"""What the client sends is what the table of operations and the table of routes say."""

import inspect
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from kato.client.blocking import Client, Processor
from kato.client.calls import Call, Observation, ProcessorCalls, ServerCalls
from kato.client.in_asyncio import AsyncClient, AsyncProcessor
from kato.client.in_twisted import TwistedClient, TwistedProcessor
from kato.commands import OPERATIONS, Command
from kato.protocols.rest.routes import Page, find
from kato.protocols.rest.target import parse_query, parse_target
from tests.source import ROOT

STRANGE = "MODEL|a/b ü%?#"

ARGUMENTS: dict[str, dict[str, Any]] = {
    "create": {"genes": {"persistence": 3}},
    "observe": {
        "strings": ["a"],
        "vectors": [[1.0, 2]],
        "emotives": {"joy": 0.8},
        "unique_id": "one",
        "metadata": {"x": None},
        "brief": True,
    },
    "observe_sequence": {
        "observations": [["a"], Observation(["b"], emotives={"joy": 0})],
        "learn_after_each": True,
        "learn_at_end": True,
        "brief": True,
    },
    "predictions": {"unique_id": "ü/1"},
    "forecast": {"limit": 3},
    "processors": {"limit": 3, "after": "p1"},
    "models": {"limit": 3, "after": STRANGE},
    "model": {"name": STRANGE},
    "update_model": {"name": STRANGE, "frequency": 2, "emotives": [{"joy": 0.5}]},
    "delete_model": {"name": STRANGE},
    "explain": {"name": STRANGE},
    "gene": {"name": "rank_by"},
    "change_genes": {"genes": {"persistence": 3}},
}
"""The most that can be said to each."""

NOT_ASKED = {"change_gene"}
"""C{change_genes} does what it does."""


def methods(calls: type[Any]) -> Iterator[str]:
    """The names of all that can be asked."""
    for name, _ in inspect.getmembers(calls, inspect.isfunction):
        if not name.startswith("_"):
            yield name


def every_call() -> Iterator[tuple[str, Call[Any]]]:
    """Each call with the most that can be said."""
    for asks in (ServerCalls(), ProcessorCalls("p1")):
        for name in methods(type(asks)):
            yield name, getattr(asks, name)(**ARGUMENTS.get(name, {}))


def command(call: Call[Any]) -> Command | None:
    """What a server makes of a call; C{None}: a page is asked for."""
    target = parse_target(call.path.encode())
    match = find(call.method, target.segments)
    if isinstance(match.route.serves, Page):
        return None
    query = {name: match.route.query[name](v, name) for name, v in parse_query(target.query or b"")}
    body = {} if call.body is None else json.loads(json.dumps(call.body))
    params = {**match.words, **query, **body}
    return Command.parse(match.route.serves, params, match.processor)


class CallTests(SynchronousTestCase):
    """L{ServerCalls} and L{ProcessorCalls}."""

    def test_understood(self) -> None:
        """A server takes every call, with the most that can be said in it."""
        for name, call in every_call():
            asked = command(call)
            if asked is not None:
                self.assertEqual(asked.row.changes, call.changes, name)

    def test_nothing_is_missing(self) -> None:
        """Every operation can be asked for."""
        asked = {each.operation for _, call in every_call() if (each := command(call))}
        self.assertEqual(set(OPERATIONS) - asked, NOT_ASKED)

    def test_names_in_paths(self) -> None:
        """Whatever a name holds, it arrives as it is."""
        asked = command(ProcessorCalls("p1").model(STRANGE))
        assert asked is not None
        self.assertEqual(asked.params.sent(), {"model_name": STRANGE})

    def test_left_out(self) -> None:
        """What is not said is not sent."""
        call = ProcessorCalls("p1").observe(["a"])
        self.assertEqual((call.path, call.body), ("/p1/observe", {"strings": ["a"]}))
        self.assertEqual(ProcessorCalls("p1").models().path, "/p1/models")

    def test_faces(self) -> None:
        """Each face asks for all that can be asked, by the same names and with the same words."""
        for calls, faces in (
            (ServerCalls, (Client, AsyncClient, TwistedClient)),
            (ProcessorCalls, (Processor, AsyncProcessor, TwistedProcessor)),
        ):
            for face in faces:
                for name in methods(calls):
                    core, method = getattr(calls, name), getattr(face, name)
                    self.assertEqual(method.__doc__, core.__doc__)
                    self.assertEqual(inspect.signature(method), inspect.signature(core))

    def test_imports(self) -> None:
        """Nothing of the server is imported, nor what it needs."""
        script = "import sys, kato.client; print(*sorted({m.split('.')[0] for m in sys.modules}))"
        script += "; print(*sorted(m for m in sys.modules if m.startswith('kato')))"
        said = subprocess.run(
            [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
        )
        packages, ours = (set(line.split()) for line in said.stdout.splitlines())
        for package in ("twisted", "autobahn", "zmq", "msgpack", "numpy", "pymongo", "zope"):
            self.assertNotIn(package, packages)
        allowed = {"kato", "kato.errors"}
        self.assertEqual({each for each in ours if not each.startswith("kato.client")}, allowed)

    def test_extra(self) -> None:
        """Without its libraries it says what is missing, and how to get it."""
        for package in ("httpx", "websockets"):
            script = f"import sys; sys.modules[{package!r}] = None\nimport kato.client"
            said = subprocess.run(
                [sys.executable, "-c", script],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=False,
            )
            told = f"kato.client needs {package}: pip install 'kato-twisted[client]'"
            self.assertEqual(said.stderr.splitlines()[-1], f"ModuleNotFoundError: {told}")
