"""MongoDB is killed in the midst of commits, and started again, over and over."""

import os
import random
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from kato.changes import Changes, State
from kato.errors import StorageUnavailable
from kato.model import Model
from kato.storage import open_store
from kato.storage.mongodb import transaction
from tests.storage.mongod import MongoServer
from tests.storage.samples import whole

_KILLS = 6
_COMMITS = 12
"""Commits between two kills, at most."""

_PROCESSORS = ("p1", "p2", "p3")
_NAMES = "abcdef"

_Kept = dict[str, tuple[int, dict[str, int]]]
"""By processor its interval, and how often each model was learned."""


class CrashTests(TestCase):
    """A history of learnings, and what must be there of it."""

    timeout = 900

    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.server = MongoServer("--sync-on-commit").start()
        self.addCleanup(self.server.remove)
        self.seed = int(os.environ.get("KATO_SEED", random.randrange(10**6)))
        self.chance = random.Random(self.seed)
        self.kept: _Kept = {each: (0, {}) for each in _PROCESSORS}
        self.outcomes: list[str] = []
        self.store: Any = open_store(self.server.url("kato"), reactor=reactor)
        self.store.open()
        self.addCleanup(self.store.close)

    def next(self) -> _Kept:
        """What is to be after the next commit, in which some learn, all together."""
        some = self.chance.sample(_PROCESSORS, self.chance.randint(1, 3))
        after = dict(self.kept)
        for processor in some:
            interval, models = self.kept[processor]
            name = self.chance.choice(_NAMES)
            after[processor] = (interval + 1, {**models, name: models.get(name, 0) + 1})
        return after

    def commit(self, after: _Kept) -> "Deferred[None]":
        changes = []
        for processor, (interval, models) in after.items():
            learned = {
                name: number
                for name, number in models.items()
                if self.kept[processor][1].get(name) != number
            }
            if learned:
                written = tuple(Model(name, ((name,),), each) for name, each in learned.items())
                state = State(processor, interval=interval)
                changes.append(Changes(processor=processor, state=state, models=written))
        done: Deferred[None] = self.store.commit(changes)
        return done

    async def stored(self) -> _Kept:
        found: _Kept = {}
        for processor in _PROCESSORS:
            snapshot = await self.store.load(processor, whole)
            models = () if snapshot is None else snapshot.models
            interval = 0 if snapshot is None else snapshot.state.interval
            found[processor] = (interval, {each.name: each.frequency for each in models})
        return found

    async def step(self) -> None:
        """Commit; what was acknowledged is there, what was refused is not, and of what nobody could
        tell all is there or nothing."""
        after = self.next()
        try:
            await self.commit(after)
        except StorageUnavailable as error:
            self.outcomes.append("unknown" if error.outcome_unknown else "refused")
            possible = [self.kept, after] if error.outcome_unknown else [self.kept]
            found = await self.patiently(self.stored)
            self.assertIn(found, possible, f"KATO_SEED={self.seed}")
            self.kept = found
        else:
            self.outcomes.append("done")
            self.kept = after

    async def patiently(self, ask: Callable[[], Any]) -> Any:
        """Ask until there is an answer."""
        while True:
            try:
                return await ask()
            except StorageUnavailable:
                continue

    def kill(self) -> None:
        self.server.kill()
        self.server.start()

    async def killed(self, patience: float) -> None:
        self.patch(transaction, "_PATIENCE", patience)
        for _ in range(_KILLS):
            restarted: Deferred[Any] = Deferred()
            self.reactor.callLater(
                self.chance.uniform(0, 0.05),
                lambda restarted=restarted: deferToThread(self.kill).chainDeferred(restarted),
            )
            for _ in range(self.chance.randint(1, _COMMITS)):
                await self.step()
            await restarted
            self.assertEqual(await self.patiently(self.stored), self.kept, f"KATO_SEED={self.seed}")
        await self.step()
        self.assertEqual(await self.stored(), self.kept, f"KATO_SEED={self.seed}")

    async def test_waited_for(self) -> None:
        """A server that is back soon is waited for: all commits are done, and each once."""
        await self.killed(patience=60.0)
        self.assertEqual(set(self.outcomes), {"done"})

    async def test_not_waited_for(self) -> None:
        """Where it is not waited for, nothing acknowledged is lost, nothing is done twice, and
        what is refused is not done."""
        await self.killed(patience=0.0)
        self.assertIn("done", self.outcomes)
