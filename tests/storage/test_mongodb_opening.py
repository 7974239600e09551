"""What is judged when a store in MongoDB is opened: reach, kind, format, lease, and passwords."""

import os
import subprocess
import sys
import time
from typing import Any

from pymongo import MongoClient
from twisted.internet.threads import deferToThread
from twisted.logger import LogLevel, capturedLogs, formatEvent
from twisted.trial.unittest import TestCase

from kato.errors import StorageUnavailable
from kato.storage import CannotOpen, open_store
from kato.storage.mongodb import lease, opening
from tests.live.ports import HeldPort
from tests.source import ROOT
from tests.storage.mongod import MongoServer, new_database
from tests.storage.samples import changes, model, whole

SECRET = "p@ss,w=rd/:%"
QUOTED = "p%40ss%2Cw%3Drd%2F%3A%25"


class OpeningCase(TestCase):
    """A database, and stores in it."""

    timeout = 120

    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.url = new_database()
        self.client: MongoClient[dict[str, Any]] = MongoClient(self.url)
        self.addCleanup(self.client.close)
        self.database = self.client.get_default_database()
        self.addCleanup(lambda: self.client.drop_database(self.database.name))

    def opened(self, url: str = "") -> Any:
        store: Any = open_store(url or self.url, reactor=self.reactor)
        store.open()
        self.addCleanup(store.close)
        return store

    def refused(self, url: str = "") -> str:
        with self.assertRaises(CannotOpen) as caught:
            self.opened(url)
        line = str(caught.exception)
        self.assertNotIn("\n", line)
        self.assertLess(len(line), 300)
        return line


class OpeningTests(OpeningCase):
    """Who may use a database."""

    def test_unreachable(self) -> None:
        """A server that cannot be reached is told in a line, soon."""
        held = HeldPort()
        self.addCleanup(held.close)
        url = f"mongodb://127.0.0.1:{held.port}/kato?serverSelectionTimeoutMS=2000"
        line = self.refused(url)
        self.assertIn(f"storage mongodb://127.0.0.1:{held.port}/kato cannot be used: ", line)
        self.assertIn("cannot be reached", line)
        self.assertIn("refused", line)

    def test_standalone(self) -> None:
        """A server without transactions is refused, and what to do is told."""
        server = MongoServer("--standalone").start()
        self.addCleanup(server.remove)
        line = self.refused(server.url("kato"))
        self.assertIn("standalone server, which has no transactions", line)
        self.assertIn("--replSet", line)

    def test_foreign(self) -> None:
        """A database of another program is refused, and left as it is."""
        self.database.orders.insert_one({"_id": 1})
        self.assertIn("of another program", self.refused())
        self.assertEqual(self.database.list_collection_names(), ["orders"])
        self.database.kato.insert_one({"_id": "format", "program": "cato", "version": 1})
        self.assertIn("of another program", self.refused())

    def test_newer(self) -> None:
        """So is one that a newer version of this program made."""
        self.database.kato.insert_one({"_id": "format", "program": "kato", "version": 2})
        line = self.refused()
        self.assertIn("it has version 2 and this program knows 1: a newer program made it", line)

    async def test_indexes(self) -> None:
        """Collections and their indexes are made, once."""
        for _ in range(2):
            store = self.opened()
            await store.close()
        for name, many in opening.INDEXES.items():
            made = self.database[name].index_information()
            self.assertEqual(
                sorted(tuple(field for field, _ in each["key"]) for each in made.values()),
                sorted([("_id",), *many]),
            )

    async def test_not_used(self) -> None:
        """A store that was opened and not used gives its lease back, too."""
        await self.opened().close()
        await self.opened().close()


class LeaseTests(OpeningCase):
    """One server to a database."""

    def test_second(self) -> None:
        """A second server is refused, and told which the first is."""
        self.opened()
        self.assertIn(f"another server uses it (process {os.getpid()} on ", self.refused())

    def held_by(self, **holder: Any) -> None:
        """Somebody else has the lease."""
        self.opened()
        there = {f"holder.{name}": value for name, value in holder.items()}
        self.database.leases.update_one({}, {"$set": {"token": "other", **there}})

    def test_elsewhere(self) -> None:
        """A server on another machine that renews its lease is seen to live."""
        self.held_by(host="elsewhere", machine="another", process=7)
        waited = []

        def wait(seconds: float) -> None:
            waited.append(seconds)
            self.database.leases.update_one({}, lease.until())

        self.patch(opening, "sleep", wait)
        self.assertIn("another server uses it (process 7 on elsewhere)", self.refused())
        self.assertEqual(len(waited), 1)

    def test_silent(self) -> None:
        """One that does not, is waited for until its lease is over; then it can write no more."""
        self.held_by(host="elsewhere", machine="another", process=7)
        self.patch(lease, "SECONDS", 1)
        self.database.leases.update_one({}, lease.until(seconds=0.3))
        begun = time.monotonic()
        self.opened()
        self.assertLess(time.monotonic() - begun, 10)
        [found] = self.database.leases.find()
        self.assertEqual((found["epoch"], found["holder"]["process"]), (2, os.getpid()))

    async def test_killed(self) -> None:
        """A server of this machine that was killed is not waited for, and what it had stored is
        there."""
        program = f"""if True:
            import os, signal
            from twisted.internet import reactor
            from kato.storage import open_store
            from tests.storage.samples import changes, model
            store = open_store({self.url!r}, reactor=reactor)
            store.open()
            def begin():
                done = store.commit([changes(models=(model("kept"),))])
                done.addCallback(lambda _: os.kill(os.getpid(), signal.SIGKILL))
            reactor.callWhenRunning(begin)
            reactor.run()
        """
        done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, timeout=60, check=False)
        self.assertEqual(done.returncode, -9)
        waited: list[float] = []
        self.patch(opening, "sleep", waited.append)
        store = self.opened()
        self.assertLess(sum(waited), lease.SECONDS / 2)
        found = await store.load("p1", whole)
        self.assertEqual(found.models, (model("kept"),))

    async def test_forked(self) -> None:
        """A store that was opened before its process went to the background goes on there, and its
        lease tells the process that is left."""
        program = f"""if True:
            import os, sys
            from twisted.internet import reactor
            from kato.storage import open_store
            from tests.storage.samples import changes, model
            store = open_store({self.url!r}, reactor=reactor)
            store.open()
            if os.fork():
                os._exit(0)
            def say(_):
                print(os.getpid(), flush=True)
                sys.stdin.read()
                return store.close().addCallback(lambda _: reactor.stop())
            def begin():
                store.commit([changes(models=(model("kept"),))]).addCallback(say)
            reactor.callWhenRunning(begin)
            reactor.run()
        """
        command = [sys.executable, "-c", program]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
            assert process.stdin is not None and process.stdout is not None
            child = int(process.stdout.readline())
            self.assertNotEqual(child, process.pid)
            line = await deferToThread(self.refused)
            self.assertIn(f"process {child} on", line)
            process.stdin.close()
            process.stdout.read()  # it ends with the child
        store = self.opened()
        self.assertEqual((await store.load("p1", whole)).models, (model("kept"),))

    async def test_taken_over(self) -> None:
        """Of two servers that think that they have the lease only the later one can write, and
        what the earlier one tries is refused."""
        first = self.opened()
        await first.commit([changes(models=(model("first"),))])
        self.database.leases.update_one({}, lease.until(seconds=0))
        second = self.opened()
        with self.assertRaises(StorageUnavailable) as caught:
            await first.commit([changes(models=(model("late"),))])
        self.assertIn("taken the database over", caught.exception.message)
        await second.commit([changes(models=(model("second"),))])
        found = await second.load("p1", whole)
        self.assertEqual(found.models, (model("first"), model("second")))


class SecretTests(TestCase):
    """A server that asks for a password."""

    timeout = 120

    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.server = MongoServer().start()
        self.addCleanup(self.server.remove)
        with MongoClient[dict[str, Any]](self.server.url("")) as client:
            roles = [{"role": "readWrite", "db": "kato"}]
            client.kato.command("createUser", "ann", pwd=SECRET, roles=roles)
        self.server.stop()
        self.server.start("--auth")

    def store(self, user: str) -> Any:
        store: Any = open_store(self.server.url("kato", user), reactor=self.reactor)
        return store

    async def test_password(self) -> None:
        """Who knows it is let in; it stands in no line of the log, no error and no statistics."""
        with capturedLogs() as events:
            store = self.store(f"ann:{QUOTED}")
            store.open()
            await store.commit([changes(models=(model("a"),))])
            self.assertEqual((await store.load("p1", whole)).models, (model("a"),))
            self.server.kill()
            self.patch_patience()
            with self.assertRaises(StorageUnavailable) as caught:
                await store.commit([changes(models=(model("b"),))])
            self.server.start("--auth")
            told = [caught.exception.message, repr(store.statistics()), repr(store.address)]
            await store.close()
        told += [formatEvent(event) + repr(event) for event in events]
        for each in told:
            self.assertNotIn(SECRET, each)
            self.assertNotIn(QUOTED, each)
        self.assertEqual([each for each in events if each["log_level"] >= LogLevel.error], [])

    def patch_patience(self) -> None:
        from kato.storage.mongodb import transaction

        self.patch(transaction, "_PATIENCE", 0.0)

    def test_wrong(self) -> None:
        """Who does not is refused in a line that repeats no password."""
        for user in ("ann:wr0ng", "bob:wr0ng"):
            with self.assertRaises(CannotOpen) as caught:
                self.store(user).open()
            line = str(caught.exception)
            self.assertIn("cannot be used: authentication failed", line)
            self.assertNotIn("wr0ng", line)
        with self.assertRaises(CannotOpen) as caught:
            self.store("").open()
        self.assertIn("requires authentication", str(caught.exception))
