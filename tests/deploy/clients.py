"""Containers that run, and clients of them."""

import json
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.deploy.container import Container
from tests.deploy.running import Containers, strewn
from tests.live.server import PATIENCE, Connection
from tests.storage.mongod import MongoServer

_LOOK = 0.05
"""Seconds after which is looked again whether a gateway has heard of its services."""

KEY = "as-secret-as-a-test-can-be"


MONGODB = ("mongodb", 27017)
"""Where the files say that MongoDB is."""


def storage(container: Container, own: Path) -> str:
    """Where a container keeps its processors: where it is told to, in the replica set that the
    server of the tests says it is."""
    return container.environment["KATO_STORAGE"].replace("replicaSet=rs0", "replicaSet=secantus")


class RunningCase(SynchronousTestCase):
    """Containers, and clients of them."""

    def run_containers(self, containers: list[Container], secrets: Mapping[str, str]) -> Containers:
        """Start all, and wait until they are well."""
        folder = Path(self.mktemp()).absolute()
        there = {}
        if any("mongodb:" in each.environment["KATO_STORAGE"] for each in containers):
            server = MongoServer().start()
            self.addCleanup(server.remove)
            there[MONGODB] = server.port
        ran = Containers(containers, folder, secrets=secrets, storage=storage, there=there)
        self.addCleanup(ran.close)
        ran.start()
        return ran

    def ask(
        self, ran: Containers, method: str, path: str, body: object = None, *, at: str
    ) -> dict[str, Any]:
        """What a gateway answers to who has the key; it must be C{okay}."""
        connection = self.connect(ran, at)
        status, answer = connection.send(method, path, body, {"X-API-Key": KEY})
        self.assertEqual(answer.get("status"), "okay", f"{method} {path}: {status} {answer}")
        return answer

    def connect(self, ran: Containers, at: str) -> Connection:
        connection = ran.connect(at)
        self.addCleanup(connection.close)
        return connection

    def settle(self, ran: Containers, at: str, services: int) -> None:
        """Wait until a gateway reaches so many services."""
        until = monotonic() + PATIENCE
        while True:
            told = self.ask(ran, "GET", "/stats", at=at)["services"]
            if sum(each["healthy"] and each["there"] for each in told.values()) == services:
                return
            self.assertLess(monotonic(), until, told)
            Event().wait(_LOOK)

    def learn(self, ran: Containers, at: str, *processors: str) -> None:
        """Each learns a sequence that begins with its name, and sees that name again."""
        for each in processors:
            for word in (each, "then", "last"):
                self.ask(ran, "POST", f"/{each}/observe", {"strings": [word]}, at=at)
            self.ask(ran, "POST", f"/{each}/learn", at=at)
            self.ask(ran, "POST", f"/{each}/observe", {"strings": [each]}, at=at)
            self.ask(ran, "POST", f"/{each}/observe", {"strings": ["then"]}, at=at)

    def assert_predicts(self, ran: Containers, at: str, *processors: str) -> None:
        """Each expects the end of what it learned."""
        for each in processors:
            [prediction] = self.ask(ran, "GET", f"/{each}/predictions", at=at)["predictions"]
            self.assertEqual(prediction["future"], [["last"]])

    def assert_ends(self, ran: Containers) -> None:
        """All end by the signal in time, having said nothing but JSON, and left nothing where it
        does not belong."""
        ended = ran.stop()
        self.assertEqual(ended, dict.fromkeys(ran.processes, -signal.SIGTERM))
        for process in ran.processes.values():
            for line in process.log:
                self.assertIn("message", json.loads(line))
        if os.getuid() == 0:
            self.assertEqual(strewn([each.user for each in ran.containers.values()]), [])
