"""The floors of the house, read from the code's own imports (docs/architecture.md)."""

import ast
import subprocess
import sys
from collections.abc import Callable, Mapping

from twisted.trial.unittest import SynchronousTestCase

from tests.source import ROOT, Module, modules, within

FLOORS: Mapping[str, int] = {
    "kato.errors": 0,
    "kato.gathering": 0,
    "kato.letting_go": 0,
    "kato.fields": 0,
    "kato.genes": 0,
    "kato.observation": 0,
    "kato.schemas": 0,
    "kato.kinds": 0,
    "kato.model": 0,
    "kato.changes": 0,
    "kato.accuracy": 0,
    "kato.commands": 1,
    "kato.operations": 1,
    "kato.parameters": 1,
    "kato.results": 1,
    "kato.codec": 1,
    "kato.limits": 1,
    "kato.steady_json": 1,
    "kato.steady_messagepack": 1,
    "kato.messagepack": 1,
    "kato.requests": 1,
    "kato.replies": 1,
    "kato.events": 1,
    "kato.happenings": 1,
    "kato.policy": 1,
    "kato.keys": 2,
    "kato.key_file": 2,
    "kato.key_editing": 2,
    "kato.allowance": 2,
    "kato.seldom": 2,
    "kato.suspicion": 2,
    "kato.origin": 1,
    "kato.claims": 2,
    "kato.ownership": 2,
    "kato.placement": 2,
    "kato.roster": 2,
    "kato.engine": 2,
    "kato.counting": 2,
    "kato.sizes": 2,
    "kato.feed": 2,
    "kato.hub": 2,
    "kato.outbox": 2,
    "kato.audit.chain": 2,
    "kato.audit.lines": 2,
    "kato.audit.reading": 2,
    "kato.audit.history": 2,
    "kato.audit.files": 3,
    "kato.audit.backwards": 2,
    "kato.audit.provenance": 2,
    "kato.audit": 4,
    "kato.storage": 3,
    "kato.caching": 3,
    "kato.holdings": 2,
    "kato.lease": 2,
    "kato.shares": 2,
    "kato.whereabouts": 2,
    "kato.tenure": 4,
    "kato.tenancy": 4,
    "kato.membership": 4,
    "kato.pursuit": 4,
    "kato.defects": 4,
    "kato.ledger": 4,
    "kato.turn": 4,
    "kato.lengths": 4,
    "kato.timing": 4,
    "kato.telling": 4,
    "kato.comings": 4,
    "kato.following": 4,
    "kato.slots": 4,
    "kato.questions": 4,
    "kato.long_turns": 4,
    "kato.foresight": 4,
    "kato.publishing": 4,
    "kato.engines": 4,
    "kato.indexing": 4,
    "kato.deletions": 4,
    "kato.commits": 4,
    "kato.dispatch": 4,
    "kato.keeper": 4,
    "kato.sight": 4,
    "kato.gate": 4,
    "kato.intake": 4,
    "kato.members": 4,
    "kato.finding": 4,
    "kato.listing": 4,
    "kato.routing": 4,
    "kato.threads": 4,
    "kato.ground": 4,
    "kato.loading": 4,
    "kato.saving": 4,
    "kato.deleting": 4,
    "kato.sharing": 4,
    "kato.answering": 4,
    "kato.turns": 4,
    "kato.inventory": 4,
    "kato.worker": 4,
    "kato.metrics": 5,
    "kato.protocols": 5,
    "kato.logs": 6,
    "kato.settings": 6,
    "kato.key_reading": 6,
    "kato.keying": 6,
    "kato.sharing_host": 6,
    "kato.curve_files": 6,
    "kato.curve_keys": 6,
    "kato.encrypting": 6,
    "kato.options": 6,
    "kato.limit_options": 6,
    "kato.option_values": 6,
    "kato.zmq_options": 6,
    "kato.key_options": 6,
    "kato.log_options": 6,
    "kato.engine_options": 6,
    "kato.dashboard_files": 6,
    "kato.gateway_options": 6,
    "kato.service_options": 6,
    "kato.running": 6,
    "kato.tidying": 6,
    "kato.audit_hosting": 6,
    "kato.auditing": 6,
    "kato.binding": 6,
    "kato.tls_description": 6,
    "kato.certificates": 6,
    "kato.reloading": 6,
    "kato.vitals": 6,
    "kato.zmq_hosting": 6,
    "kato.hosting": 6,
    "kato.monitoring": 6,
    "kato.routed": 6,
    "kato.processor_service": 6,
    "kato.gateway": 6,
    "kato.health": 6,
    "kato.client": 6,
    "kato.cli": 6,
    "kato.manager": 6,
    "kato.moving": 6,
    "twisted.plugins.kato_plugins": 7,
}
"""Each room with its floor; a package stands for all that lies in it."""

COMPOSING = 6
"""The floor that reads the environment and knows the reactor."""

STRANGERS: Mapping[str, frozenset[str]] = {
    "kato.protocols": frozenset({"kato.engine", "kato.storage", "kato.caching"}),
    "kato.client": frozenset(FLOORS) - {"kato.client", "kato.errors"},
    "kato.cli": frozenset(FLOORS) - {"kato.cli", "kato.client", "kato.errors"},
    "kato.manager": frozenset(FLOORS) - {"kato.manager"},
    "kato.moving": frozenset({"kato.engine", "kato.protocols", "kato.worker"}),
}
"""Rooms that are not to be known although no floor forbids it: a protocol is a codec, client,
program and manager speak to servers from outside, and what moves data makes nothing of it."""

HOMES: Mapping[str, frozenset[str]] = {
    "OpenSSL": frozenset({"kato.certificates"}),
    "autobahn": frozenset({"kato.protocols.websocket", "kato.client.in_twisted"}),
    "bson": frozenset({"kato.storage.mongodb"}),
    "click": frozenset({"kato.cli"}),
    "cryptography": frozenset({"kato.certificates"}),
    "graphql": frozenset({"kato.protocols.graphql"}),
    "httpx": frozenset({"kato.client.blocking", "kato.client.in_asyncio"}),
    "msgpack": frozenset({"kato.messagepack"}),
    "numpy": frozenset({"kato.engine"}),
    "platformdirs": frozenset({"kato.storage", "kato.manager", "kato.cli.notes"}),
    "prometheus_client": frozenset({"kato.metrics.exposition"}),
    "psutil": frozenset({"kato.manager.system", "kato.vitals"}),
    "pymongo": frozenset({"kato.storage.mongodb"}),
    "rich": frozenset({"kato.cli"}),
    "sqlite3": frozenset({"kato.storage.sqlite"}),
    "tqdm": frozenset({"kato.moving.progress"}),
    "twisted": frozenset(
        {
            *(room for room, floor in FLOORS.items() if floor in (3, 4, 5, 6)),
            "kato.client.in_twisted",
            "kato.manager.twistd",
            "twisted.plugins.kato_plugins",
        }
    )
    - {"kato.cli", "kato.client", "kato.manager"},
    "twisted.application": frozenset(
        {
            "kato.gateway",
            "kato.processor_service",
            "kato.running",
            "twisted.plugins.kato_plugins",
        }
    ),
    "twisted.web": frozenset({"kato.protocols.rest", "kato.binding", "kato.client.in_twisted"}),
    "txmongo": frozenset({"kato.storage.mongodb"}),
    "txredisapi": frozenset({"kato.caching.connection"}),
    "txzmq": frozenset(
        {
            "kato.protocols.zmq.sockets",
            "kato.protocols.zmq.socket_kinds",
            "kato.protocols.zmq.bound_kinds",
            "kato.protocols.zmq.door",
        }
    ),
    "websockets": frozenset(
        {"kato.client.blocking", "kato.client.in_asyncio", "kato.client.sockets"}
    ),
    "zmq": frozenset(
        {
            "kato.protocols.zmq.sockets",
            "kato.protocols.zmq.socket_kinds",
            "kato.protocols.zmq.bound_kinds",
            "kato.protocols.zmq.door",
            "kato.health",
            "kato.curve_keys",
        }
    ),
    "zope": frozenset(
        {
            "kato.audit",
            "kato.storage",
            "kato.dispatch",
            "kato.worker",
            "kato.routing",
            "kato.protocols",
            "kato.certificates",
        }
    ),
}
"""Where a library is at home; what is not named here is at home nowhere."""

_REACTOR = "twisted.internet.reactor"


def room_of(name: str) -> str | None:
    """The room in which a module lies."""
    return next((room for room in FLOORS if within(name, room)), None)


def has_floor(module: Module) -> list[str]:
    """Every module lies in a room with a floor; C{kato} itself is the front door."""
    if module.name == "kato" or room_of(module.name) is not None:
        return []
    return [f"{module.name} is on no floor"]


def looks_down(module: Module) -> list[str]:
    """A module imports from its own floor and those below."""
    room = room_of(module.name)
    if room is None:
        return []
    return [
        f"{module.name} looks up to {each}"
        for each in sorted(module.imports)
        if (other := room_of(each)) is not None and FLOORS[other] > FLOORS[room]
    ]


def knows_no_strangers(module: Module) -> list[str]:
    """A protocol knows neither engine nor store nor another protocol; the manager knows no room
    of the house."""
    return [
        f"{module.name} knows {each}"
        for each in sorted(module.imports)
        if any(
            within(module.name, room) and room_of(each) in strangers
            for room, strangers in STRANGERS.items()
        )
        or _is_sibling(_protocol(module.name), _protocol(each))
    ]


def _protocol(name: str) -> str | None:
    parts = name.split(".")
    return parts[2] if within(name, "kato.protocols") and parts[2:] else None


def _is_sibling(protocol: str | None, other: str | None) -> bool:
    return protocol is not None and other is not None and protocol != other


def keeps_libraries_at_home(module: Module) -> list[str]:
    """A library is imported in its home only."""
    return [
        f"{module.name} uses {each}"
        for each in sorted(module.imports)
        if (library := _library(each)) is not None
        and not any(within(module.name, home) for home in HOMES.get(library, ()))
    ]


def _library(name: str) -> str | None:
    """The library that has homes, or should have; C{None} for what is free to all."""
    known = [each for each in HOMES if within(name, each)]
    if known:
        return max(known, key=len)
    top = name.partition(".")[0]
    return None if top == "kato" or top in sys.stdlib_module_names else top


def imports_the_reactor_late(module: Module) -> list[str]:
    """The reactor is imported in functions only, and in C{kato} only by those that compose."""
    found = []
    if _REACTOR in module.imports_at_once:
        found.append(f"{module.name} imports the reactor at once")
    room = room_of(module.name)
    if room is not None and FLOORS[room] != COMPOSING and _REACTOR in module.imports:
        found.append(f"{module.name} knows the reactor")
    return found


def is_told_its_environment(module: Module) -> list[str]:
    """Nobody below the composing floor reads the environment."""
    room = room_of(module.name)
    if room is not None and FLOORS[room] >= COMPOSING:
        return []
    read = {"os.environ", "os.getenv", "os.environb"}
    return [
        f"{module.name} reads the environment"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node) in read
    ] + [f"{module.name} imports {each}" for each in sorted(module.imports & read)]


def has_no_singletons(module: Module) -> list[str]:
    """No function changes a name of its module."""
    return [
        f"{module.name} changes {', '.join(node.names)} for everybody"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Global)
    ]


def says_what_it_is_for(module: Module) -> list[str]:
    """No module is a drawer for this and that."""
    drawers = {"utils", "util", "helpers", "helper", "common", "misc"}
    parts = module.name.split(".")
    return [f"{module.name} is a drawer" for part in parts if part.strip("_") in drawers]


RULES = (
    has_floor,
    looks_down,
    knows_no_strangers,
    keeps_libraries_at_home,
    imports_the_reactor_late,
    is_told_its_environment,
    has_no_singletons,
    says_what_it_is_for,
)


class HouseTests(SynchronousTestCase):
    """The rules, on the project as it is."""

    def test_kato(self) -> None:
        """Every module of C{kato} and its plugin keeps every rule."""
        found = modules("kato", "twisted")
        self.assertIn("kato.engine.processor", [each.name for each in found])
        self.assertEqual([wrong for each in found for rule in RULES for wrong in rule(each)], [])

    def test_beside(self) -> None:
        """Tests, benchmarks and examples import no reactor at once, and are no drawers."""
        found = modules("tests", "benchmarks", "examples")
        rules = (imports_the_reactor_late, says_what_it_is_for)
        self.assertEqual([wrong for each in found for rule in rules for wrong in rule(each)], [])

    def test_floors_are_rooms(self) -> None:
        """Every room of the table is there."""
        names = [each.name for each in modules("kato", "twisted")]
        self.assertEqual([room for room in FLOORS if room not in names], [])

    def test_homes_are_lived_in(self) -> None:
        """Every library of the table is imported somewhere."""
        imported = {each for module in modules("kato", "twisted") for each in module.imports}
        self.assertEqual(
            [library for library in HOMES if not any(within(each, library) for each in imported)],
            [],
        )


class RuleTests(SynchronousTestCase):
    """The rules, on modules that break them."""

    def assertBroken(
        self, rule: Callable[[Module], list[str]], name: str, text: str, *found: str
    ) -> None:
        self.assertEqual(rule(Module(name, text)), list(found))

    def test_floor(self) -> None:
        """A new module needs a floor."""
        self.assertBroken(has_floor, "kato.attic", "", "kato.attic is on no floor")
        self.assertBroken(has_floor, "kato.engine.cellar", "")

    def test_upward(self) -> None:
        """An upward import is found wherever it stands, and however it is written."""
        up = "kato.engine.stm looks up to kato.storage"
        for text in (
            "import kato.storage",
            "from kato import storage",
            "def f():\n    import kato.storage",
            "if TYPE_CHECKING:\n    from kato import storage",
        ):
            self.assertBroken(looks_down, "kato.engine.stm", text, up)
        self.assertBroken(looks_down, "kato.storage.sqlite", "from kato import changes")

    def test_strangers(self) -> None:
        """A protocol that asks the engine, the store or another protocol is found; so is a
        manager that reaches into the house."""
        rest = "kato.protocols.rest.rest"
        self.assertBroken(
            knows_no_strangers,
            rest,
            "import kato.engine\nimport kato.protocols.zmq.codec\nimport kato.protocols.rest.body",
            f"{rest} knows kato.engine",
            f"{rest} knows kato.protocols.zmq.codec",
        )
        self.assertBroken(
            knows_no_strangers,
            "kato.manager.system",
            "import kato.options",
            "kato.manager.system knows kato.options",
        )

    def test_homes(self) -> None:
        """A library outside its home is found, one without a home everywhere."""
        for library, name in (
            ("numpy", "kato.codec"),
            ("sqlite3", "kato.worker"),
            ("twisted.internet.defer", "kato.engine.index"),
            ("twisted.web.http", "kato.worker"),
            ("psutil", "kato.gateway"),
            ("requests", "kato.manager.system"),
        ):
            self.assertBroken(
                keeps_libraries_at_home, name, f"import {library}", f"{name} uses {library}"
            )
        self.assertBroken(keeps_libraries_at_home, "kato.engine.index", "import numpy as np, json")

    def test_reactor(self) -> None:
        """A reactor that is imported at once is found, in a class body, too."""
        text = "from twisted.internet import reactor"
        at_once = "benchmarks.bare imports the reactor at once"
        self.assertBroken(imports_the_reactor_late, "benchmarks.bare", text, at_once)
        self.assertBroken(
            imports_the_reactor_late, "benchmarks.bare", f"class A:\n    {text}", at_once
        )
        inside = f"def f():\n    {text}"
        self.assertBroken(imports_the_reactor_late, "benchmarks.bare", inside)
        self.assertBroken(imports_the_reactor_late, "kato.gateway", inside)
        self.assertBroken(
            imports_the_reactor_late, "kato.worker", inside, "kato.worker knows the reactor"
        )

    def test_environment(self) -> None:
        """Reading the environment below the composing floor is found."""
        reads = "kato.worker reads the environment"
        self.assertBroken(is_told_its_environment, "kato.worker", "os.environ['A']", reads)
        self.assertBroken(is_told_its_environment, "kato.worker", "os.getenv('A')", reads)
        self.assertBroken(
            is_told_its_environment,
            "kato.worker",
            "from os import environ",
            "kato.worker imports os.environ",
        )
        self.assertBroken(is_told_its_environment, "kato.gateway", "os.environ['A']")

    def test_singletons(self) -> None:
        """A function that changes its module is found."""
        self.assertBroken(
            has_no_singletons,
            "kato.worker",
            "def f():\n    global a, b",
            "kato.worker changes a, b for everybody",
        )

    def test_drawers(self) -> None:
        """A module for this and that is found."""
        self.assertBroken(
            says_what_it_is_for, "tests.rest._helpers", "", "tests.rest._helpers is a drawer"
        )


class FreshInterpreterTests(SynchronousTestCase):
    """What an import brings along."""

    def loaded(self, module: str) -> list[str]:
        """The modules that are there after one was imported by a new interpreter."""
        program = f"import sys, {module}; print(*sys.modules)"
        ended = subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
        )
        return ended.stdout.split()

    def test_engine(self) -> None:
        """The engine comes without Twisted, and without anything that speaks to the world."""
        loaded = self.loaded("kato.engine")
        self.assertIn("kato.engine.processor", loaded)
        worldly = ("twisted", "zope.interface", "sqlite3", "socket")
        self.assertEqual(
            [each for each in loaded if any(within(each, other) for other in worldly)], []
        )

    def test_plugin(self) -> None:
        """The plugin, which every C{twistd} reads, comes without the system and a reactor."""
        loaded = self.loaded("twisted.plugins.kato_plugins")
        self.assertIn("twisted.plugins.kato_plugins", loaded)
        self.assertEqual([each for each in loaded if within(each, "kato") or each == _REACTOR], [])

    def test_gateway(self) -> None:
        """The gateway's module leaves the choice of a reactor to who runs it."""
        loaded = self.loaded("kato.gateway")
        self.assertIn("kato.protocols.rest", loaded)
        self.assertNotIn(_REACTOR, loaded)
