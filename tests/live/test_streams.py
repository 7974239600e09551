"""Events over WebSocket from servers in processes of their own, to readers that are cut off.

What happens when is random.  The seed is printed; the environment's C{KATO_SEED} takes one, so that
a run can be repeated as far as clocks allow.
"""

import os
import random
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial

from twisted.trial.unittest import SynchronousTestCase

from tests.live.account import KEPT, Account
from tests.live.aside import Aside
from tests.live.family import Family
from tests.live.life import Life
from tests.live.reading import Event, Reader, Unlucky
from tests.live.server import Connection, LiveServer
from tests.live.streaming import JSON, MESSAGEPACK, Stream

CUTS = 50
ROUTED_CUTS = 24
SMALL_LEAD = 20
"""So many events readers may be behind, where all that they lack finds room on its way to them."""


def drawn() -> tuple[int, random.Random]:
    """A seed, which is printed, and what comes of it."""
    seed = int(os.environ.get("KATO_SEED") or random.SystemRandom().randrange(10**9))
    sys.stdout.write(f"\nKATO_SEED={seed}\n")
    return seed, random.Random(seed)


class SameTests(SynchronousTestCase):
    """Two clients of one server."""

    def test_both_sub_protocols(self) -> None:
        """A client that speaks JSON and one that speaks MessagePack are told the same events in the
        same order, none of them twice, and none is passed over for readers that read."""
        _, chance = drawn()
        server = LiveServer("--storage", "memory:").start()
        self.addCleanup(server.stop)
        with closing(server.connect()) as connection:
            connection.send("PUT", "/p1", {"genes": {"max_predictions": 5}})
        life = Life(server.connect, "p1", chance, lead=SMALL_LEAD)
        told: tuple[list[Event], list[Event]] = ([], [])
        reading = []
        for protocol, events in zip((JSON, MESSAGEPACK), told, strict=True):
            stream = Stream(server.port, protocol)
            self.addCleanup(stream.close)
            self.assertEqual(stream.ask("subscribe", "p1")["offset"], 0)
            reading.append(Aside(partial(self.read, life, stream, events)))
        for _ in range(200):
            life.go_on()
        life.end()
        for each in reading:
            each.join()
        self.assertEqual(*told)
        changes = [_key(each) for each in told[0] if each["event"] != "predictions"]
        self.assertEqual(changes, [(topic, place) for place, topic in enumerate(life.topics, 1)])
        self.assertEqual([each for each in told[0] if "skipped" in each], [])
        self.assertGreater(len(told[0]), len(changes))

    def read(self, life: Life, stream: Stream, events: list[Event]) -> None:
        while not events or _key(events[-1]) != ("predictions", life.last):
            events.append(stream.event())
            life.follow(stream, events[-1]["offset"])


def _key(event: Event) -> tuple[str, int]:
    return event["event"], event["offset"]


class CutTests(SynchronousTestCase):
    """A reader that is cut off all the time, beside one that never is."""

    def judge(self, life: Life, account: Account) -> None:
        """It was told all of which nothing may be missed, in order; nothing twice; and it knows how
        much else it skipped."""
        happened = list(enumerate(life.topics, 1))[account.began :]
        kept = [place for place, topic in happened if topic in KEPT]
        self.assertEqual(account.offsets(*KEPT), kept)
        self.assertEqual(len(account.told), len(set(account.told)))
        observations = sum(topic == "observations" for _, topic in happened)
        self.assertEqual(account.count("observations"), observations)
        self.assertEqual(account.newest["predictions"], len(life.topics))

    def agree(self, one: Reader, other: Reader) -> None:
        """Where both were told an event, it said the same."""
        both = one.said.keys() & other.said.keys()
        self.assertGreater(len(both), 0)
        self.assertEqual(
            {key: one.said[key] for key in both}, {key: other.said[key] for key in both}
        )

    def judge_both(self, life: Life, steady: Reader, unlucky: Unlucky) -> None:
        """Both know all, and the same."""
        self.tell(life, steady, unlucky)
        for each in (steady, unlucky):
            self.judge(life, each.account)
        if steady.account.began == unlucky.account.began:
            counts = [each.account.count("predictions") for each in (steady, unlucky)]
            self.assertEqual(*counts)
        self.agree(steady, unlucky)

    def no_defects(self, log: Sequence[str]) -> None:
        self.assertEqual([each for each in log if "Traceback" in each or "defect" in each], [])

    def live(
        self,
        life: Life,
        steady: Reader,
        unlucky: Unlucky,
        cuts: int,
        between: Sequence[Callable[[], None]] = (),
    ) -> None:
        """Let things happen until one reader was cut off so many times, and one thing more.

        @param between: what else happens at times, at moments as far from each other.
        """

        goal = unlucky.cuts + cuts
        pace = cuts // (len(between) + 1)

        def be_cut() -> None:
            while unlucky.cuts < goal:
                unlucky.be_cut()
            unlucky.read_to_the_end()

        waiting = {unlucky.cuts + pace * number: each for number, each in enumerate(between, 1)}
        reading = [Aside(steady.read_to_the_end), Aside(be_cut)]
        while unlucky.cuts < goal and all(each.runs for each in reading):
            life.go_on()
            for moment in [each for each in waiting if each <= unlucky.cuts]:
                waiting.pop(moment)()
        life.end()
        for each in reading:
            each.join()
        self.assertEqual(waiting, {})

    def readers(self, life: Life, port: Callable[[], int], seed: int) -> tuple[Reader, Unlucky]:
        steady = Reader(life, port, random.Random(seed))
        unlucky = Unlucky(life, port, random.Random(seed))
        self.addCleanup(steady.close)
        self.addCleanup(unlucky.close)
        return steady, unlucky

    def test_cut_off(self) -> None:
        """A client that is cut off 50 times, in the middle of all that there is, is told every
        event of learning and memory once, and knows how many others it skipped."""
        seed, chance = drawn()
        server = LiveServer("--storage", "memory:", "--processor-id", "p1").start()
        self.addCleanup(server.stop)
        life = Life(server.connect, "p1", chance)
        steady, unlucky = self.readers(life, lambda: server.port, seed)
        self.live(life, steady, unlucky, CUTS)
        self.judge_both(life, steady, unlucky)
        self.assertEqual(unlucky.recovered, [True] * CUTS)
        self.assertGreater(unlucky.passed_over, 0)
        self.no_defects(server.log)

    def test_through_a_gateway(self) -> None:
        """The same holds through a gateway that is told where the processor is, also where the
        gateway is started anew.  Where the service is, all are told that another epoch has begun,
        and in it the same holds."""
        storage = ("--storage", f"sqlite:{self.mktemp()}")
        self.through(Family([*storage, "--processor-id", "p1"], held=[["p1"]]))

    def test_through_a_gateway_with_a_registry(self) -> None:
        """The same, where the service announces itself to the gateway."""
        storage = ("--storage", f"sqlite:{self.mktemp()}")
        self.through(Family([*storage, "--processor-id", "p1"]))

    def through(self, family: Family) -> None:
        seed, chance = drawn()
        self.addCleanup(family.stop)
        family.start()

        def connect() -> Connection:
            return family.gateway.connect()

        life = Life(connect, "p1", chance)
        steady, unlucky = self.readers(life, lambda: family.gateway.port, seed)

        def killed() -> None:
            family.gateway.kill()
            family.start_gateway()
            life.move()

        def restarted() -> None:
            family.gateway.terminate()
            family.start_gateway()
            life.move()

        self.live(life, steady, unlucky, ROUTED_CUTS, (killed, restarted))
        self.judge_both(life, steady, unlucky)
        self.assertEqual(steady.recovered, [True, True])
        self.assertEqual(set(unlucky.recovered), {True})
        self.assertEqual([len(each.accounts) for each in (steady, unlucky)], [1, 1])
        family.members[0].end()
        life.begin_anew()
        family.members[0].start()
        for each in (steady, unlucky):
            each.until_anew()
            self.assertEqual(each.statuses[-1]["recovered"], False)
        self.live(life, steady, unlucky, ROUTED_CUTS)
        self.judge_both(life, steady, unlucky)
        self.assertEqual([len(each.accounts) for each in (steady, unlucky)], [2, 2])
        self.assertEqual(set(unlucky.recovered), {True})
        self.no_defects(family.logs())

    def tell(self, life: Life, *readers: Reader) -> None:
        """Print what came of it."""
        sys.stdout.write(f"{len(life.topics)} changes\n")
        for each in readers:
            account = each.account
            skipped = ", ".join(f"{number} {topic}" for topic, number in account.skipped.items())
            sys.stdout.write(f"told {len(account.told)} events, skipped {skipped}\n")
