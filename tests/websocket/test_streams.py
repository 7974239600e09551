"""What is told of processors over a WebSocket, and to whom (SPEC 9)."""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, succeed

from kato.events import Event, Numbers, Subscribed
from kato.limits import Limits
from kato.protocols.websocket import sending
from kato.protocols.websocket.frames import Announced, Codec
from kato.settings import Settings
from kato.storage.memory import MemoryStore
from tests.doubles import HeldStore, Threads
from tests.websocket.memory import Client, StreamTestCase, System, topics


def observe(client: Client, *strings: str, processor: str = "p1") -> None:
    params = {"strings": list(strings), "brief": True}
    client.say(id="o", method="observe", processor=processor, params=params)


def learn(client: Client, *strings: str) -> None:
    """Observe and learn a model."""
    observations = [{"strings": [each]} for each in strings]
    client.say(
        id="l",
        method="observe_sequence",
        processor="p1",
        params={"observations": observations, "learn_at_end": True, "brief": True},
    )


def events(client: Client) -> list[dict[str, Any]]:
    """What came, without answers."""
    return [each for each in client.told() if "event" in each]


class TellingTests(StreamTestCase):
    """Events."""

    def setUp(self) -> None:
        super().setUp()
        self.writer = self.connect()
        observe(self.writer, "a")
        self.writer.told()

    def test_subscribed(self) -> None:
        """Who subscribes is told where the events stand, then what comes, in order: observation,
        learning, memory, predictions."""
        client = self.connect()
        answer = client.ask(id=7, method="subscribe", processor="p1")
        del answer["time_stamp"]
        epoch = answer.pop("epoch")
        self.assertEqual(
            answer,
            {
                "status": "okay",
                "message": "subscribed",
                "processor": "p1",
                "offset": 1,
                "recovered": False,
                "id": 7,
            },
        )
        self.assertRegex(epoch, "^[0-9a-f]{16}$")
        self.writer.say(
            method="change_genes", processor="p1", params={"genes": {"max_sequence_length": 2}}
        )
        observe(self.writer, "b")
        told = events(client)
        self.assertEqual(
            topics(told), ["memory", "predictions", "observations", "learning", "predictions"]
        )
        self.assertEqual([each["offset"] for each in told], [2, 2, 3, 4, 4])
        self.assertEqual(told[0]["data"], {"change": "genes", "genes": {"max_sequence_length": 2}})
        self.assertEqual(told[2]["data"]["short_term_memory"], [["b"]])
        self.assertEqual(told[3]["data"]["automatic"], True)

    def test_before_the_answer(self) -> None:
        """Who changes something and listens is told the event before the answer."""
        client = self.subscribed()
        client.say(id=2, method="learn", processor="p1")
        self.assertEqual(
            [each.get("event", each.get("id")) for each in client.told()],
            ["memory", 2, "predictions"],
        )

    def test_topics(self) -> None:
        """Only what was asked for is told."""
        client = self.subscribed(topics=["learning"])
        learn(self.writer, "a", "b")
        self.assertEqual(topics(events(client)), ["learning"])

    def test_both_protocols(self) -> None:
        """All see the same, in the same order, whatever they speak."""
        readers = [self.subscribed(), self.subscribed("kato.v1.msgpack")]
        for word in "abcab":
            observe(self.writer, word)
        learn(self.writer, "b", "c")
        self.writer.say(method="clear_short_term_memory", processor="p1")
        first, second = map(events, readers)
        self.assertEqual(first, second)
        self.assertGreater(len(first), 10)

    def test_compressed(self) -> None:
        """Who takes it is told compressed what is worth it, and sees the same."""
        plain, deflating = self.subscribed(), self.connect(deflates=True)
        deflating.ask(method="subscribe", processor="p1")
        before = [
            client.speaker.trafficStats.incomingOctetsWireLevel for client in (plain, deflating)
        ]
        observe(self.writer, *(f"word {each}" for each in range(999)))
        self.assertEqual(events(plain), events(deflating))
        after = [
            client.speaker.trafficStats.incomingOctetsWireLevel for client in (plain, deflating)
        ]
        self.assertGreater(after[0] - before[0], 3 * (after[1] - before[1]))

    def test_unsubscribe(self) -> None:
        """Who has unsubscribed is told nothing more, also of what waited; and may subscribe
        again."""
        client = self.subscribed()
        client.stall()
        client.say(id=0, method="ping")
        observe(self.writer, "b")
        learn(self.writer, "c")
        client.say(id=2, method="unsubscribe", processor="p1")
        client.read_on()
        observe(self.writer, "c")
        self.assertEqual([each.get("id") for each in client.told()], [0, 2])
        self.assertEqual(self.system.statistics["subscriptions"], 0)
        answer = client.ask(id=3, method="subscribe", processor="p1")
        self.assertEqual(answer["offset"], 5)

    def test_twice(self) -> None:
        """There is one subscription for a processor; another one is a conflict, and changes
        nothing."""
        client = self.subscribed(topics=["observations"])
        answer = client.ask(method="subscribe", processor="p1")
        self.assertEqual(answer["error_code"], "CONFLICT")
        observe(self.writer, "b")
        self.assertEqual(topics(events(client)), ["observations"])

    def test_late(self) -> None:
        """What still comes of a subscription that has ended is not told."""
        listeners: list[Callable[[Event], None]] = []

        def subscribe(wish: object, listener: Callable[[Event], None]) -> "Deferred[Subscribed]":
            listeners.append(listener)
            return succeed(granted(lambda: None))

        self.patch(self.system.parts.dispatch, "subscribe", subscribe)
        client = self.subscribed()
        client.ask(method="unsubscribe", processor="p1")
        listeners[0](Event("learning", "p1", 4, 1.0, {}))
        self.assertEqual(client.told(), [])

    def test_most(self) -> None:
        """There is a bound to them."""
        self.system = System(self, Settings(limits=Limits(subscriptions=1)))
        client = self.subscribed(processor=None)
        answer = client.ask(method="subscribe", processor="p1")
        self.assertEqual(answer["error_code"], "LIMIT_REACHED")

    def test_coming_and_going(self) -> None:
        """Without a processor it is about those that come and go."""
        client = self.subscribed(processor=None)
        observe(self.writer, "a", processor="p2")
        self.writer.say(method="delete_processor", processor="p2")
        told = events(client)
        self.assertEqual(
            [(each["event"], each["processor"], each["data"]) for each in told],
            [("processors", "p2", {"change": "came"}), ("processors", "p2", {"change": "went"})],
        )

    def test_deleted(self) -> None:
        """Of a processor that is deleted it is told that, and that its history is another one; made
        again it is told of as before."""
        client = self.subscribed(topics=["memory", "observations"])
        self.writer.say(method="delete_processor", processor="p1")
        first, second = events(client)
        self.assertEqual((first["event"], first["data"]), ("memory", {"change": "deleted"}))
        self.assertEqual((second["event"], second["data"]["recovered"]), ("status", False))
        observe(self.writer, "x")
        [third] = events(client)
        self.assertEqual((third["event"], third["offset"]), ("observations", 1))

    def test_gone(self) -> None:
        """Who is gone is listened for no more."""
        client = self.subscribed()
        client.cut()
        self.assertEqual(self.system.statistics["subscriptions"], 0)
        self.assertEqual(self.system.parts.holder.processors.statistics()["events"]["listeners"], 0)


class PendingTests(StreamTestCase):
    """A subscription that is not granted yet."""

    def setUp(self) -> None:
        self.store = HeldStore()
        super().setUp()
        inner = MemoryStore()
        inner.open()
        self.store.inner = inner
        self.system = System(self, Settings(checkpoint=0.0), store=self.store)

    def test_unsubscribed_meanwhile(self) -> None:
        """Who takes it back before it is granted is told so, and nothing else."""
        asked = self.later("subscribe")
        client = self.connect()
        client.say(id=1, method="subscribe", processor="p1")
        answer = client.ask(id=2, method="unsubscribe", processor="p1")
        self.assertEqual((answer["message"], answer["id"]), ("unsubscribed", 2))
        cancelled: list[bool] = []
        asked[0].callback(granted(lambda: cancelled.append(True)))
        [answer] = client.told()
        self.assertEqual((answer["error_code"], answer["id"]), ("CONFLICT", 1))
        self.assertEqual(cancelled, [True])

    def test_gone_meanwhile(self) -> None:
        """Who is gone by then is not listened for."""
        asked = self.later("subscribe")
        client = self.connect()
        client.say(id=1, method="subscribe", processor="p1")
        client.cut()
        cancelled: list[bool] = []
        asked[0].callback(granted(lambda: cancelled.append(True)))
        self.assertEqual(cancelled, [True])

    def test_durable_first(self) -> None:
        """Nobody is told of what is not durable yet."""
        client = self.connect()
        observe(client, "a")
        self.store.release_all()
        client.told()
        client.ask(method="subscribe", processor="p1")
        observe(client, "b")
        self.assertEqual(client.told(), [])
        self.store.release_all()
        self.assertEqual(
            [each.get("event", each.get("id")) for each in client.told()],
            ["observations", "o", "predictions"],
        )


def granted(cancel: Callable[[], None]) -> Subscribed:
    """What a subscription begins with."""
    return Subscribed("e", 3, False, (), Numbers(), cancel)


class SlowTests(StreamTestCase):
    """Readers that are too slow."""

    def setUp(self) -> None:
        super().setUp()
        self.writer = self.connect()
        observe(self.writer, "a")
        self.writer.told()

    def test_newest(self) -> None:
        """Of observations and predictions the newest is told, with how many were skipped; of what
        was learned nothing is left out."""
        slow, fast = self.subscribed(), self.subscribed()
        slow.stall()
        for each in range(20):
            observe(self.writer, str(each))
        learn(self.writer, "b", "c")
        unsent = slow.end.unsent
        for each in range(20):
            observe(self.writer, str(each))
        self.assertEqual(slow.end.unsent, unsent)
        slow.read_on()
        told = events(slow)
        everything = events(fast)
        for topic in ("observations", "predictions"):
            mine = [each for each in told if each["event"] == topic]
            all_ = [each for each in everything if each["event"] == topic]
            self.assertEqual(sum(1 + each.get("skipped", 0) for each in mine), len(all_))
            self.assertLessEqual(len(mine), 3)
            self.assertEqual(mine[-1]["data"], all_[-1]["data"])
        self.assertEqual(topics(told).count("learning"), 1)
        offsets = [each["offset"] for each in told]
        self.assertEqual(offsets, sorted(offsets))
        self.assertNotIn("skipped", str(everything))
        skipped = sum(each.get("skipped", 0) for each in told)
        self.assertEqual(self.system.statistics["skipped"], skipped)

    def test_too_slow(self) -> None:
        """Where what may not be missed finds no room any more, the connection is closed; others
        are told everything, and nothing is kept for it."""
        self.patch(sending, "MAX_WAITING", 8_000)
        self.system = System(self)
        self.writer = self.connect()
        observe(self.writer, "a")
        slow = self.subscribed(topics=["learning"])
        fast = self.subscribed(topics=["learning"])
        slow.stall()
        for each in range(30):
            learn(self.writer, "x", str(each))
        self.assertEqual(self.system.statistics["too_slow"], 1)
        self.assertEqual(self.system.statistics["subscriptions"], 1)
        self.assertEqual(self.system.statistics["waiting"], 0)
        slow.read_on()
        assert slow.closed is not None
        self.assertEqual(slow.closed[0], 4008)
        self.assertEqual(len(events(fast)), 30)
        self.assertEqual(self.system.statistics["too_slow"], 1)
        self.assertEqual(self.system.statistics["connections"], 2)

    def test_written_once(self) -> None:
        """An event is written once for all who listen; one that takes long in a thread, behind
        which others wait."""
        threads = Threads()
        self.system = System(self, in_thread=threads)
        self.writer = self.connect()
        observe(self.writer, "a")
        self.writer.told()
        readers = [self.subscribed(topics=["observations", "learning"]) for _ in range(3)]
        for each in range(17):
            observe(self.writer, str(each))
        long = len(threads.waiting)
        learn(self.writer, "b", "c")
        for reader in readers:
            self.assertEqual(len(events(reader)), 15)
        while threads.waiting:
            threads.run()
        self.assertEqual(long, 1)
        for reader in readers:
            told = events(reader)
            self.assertEqual(topics(told)[-2:], ["observations", "learning"])
            self.assertEqual(15 + sum(1 + each.get("skipped", 0) for each in told), 20)

    def test_light(self) -> None:
        """For who does not read, nothing is written that may be passed over."""
        for each in range(20):
            observe(self.writer, str(each) * 1_000)
        slow, fast = self.subscribed(), self.subscribed()
        slow.stall()
        slow.say(id=0, method="ping")
        light: list[Announced] = []
        original = Announced.light

        def kept(announced: Announced) -> Announced:
            light.append(original(announced))
            return light[-1]

        self.patch(Announced, "light", kept)
        observe(self.writer, "x")
        self.assertEqual(topics(events(fast)), ["observations", "predictions"])
        self.assertFalse(light[0].is_written(Codec.JSON, deflated=False))
        slow.read_on()
        self.assertEqual(topics(events(slow)), ["observations", "predictions"])

    def test_not_written(self) -> None:
        """An event that cannot be written is a defect, and the next one is told."""
        threads = Threads()
        self.system = System(self, in_thread=threads)
        self.writer = self.connect()
        for each in range(17):
            observe(self.writer, str(each))
        while threads.waiting:
            threads.run()
        client = self.subscribed(topics=["observations", "memory"])
        observe(self.writer, "x")
        _, done = threads.waiting.pop(0)
        done.errback(RuntimeError("the test says so"))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.writer.say(method="clear_short_term_memory", processor="p1")
        self.assertEqual(topics(events(client)), ["memory"])


class RecoveryTests(StreamTestCase):
    """Who was cut off."""

    def setUp(self) -> None:
        super().setUp()
        self.writer = self.connect()
        observe(self.writer, "a")
        self.writer.told()

    def test_recovered(self) -> None:
        """It is told what it missed, in order, before what comes."""
        client = self.connect()
        answer = client.ask(method="subscribe", processor="p1")
        client.cut()
        for each in range(3):
            learn(self.writer, "b", str(each))
            observe(self.writer, "c")
        client = self.connect()
        params = {"since": answer["offset"], "epoch": answer["epoch"]}
        client.say(id=1, method="subscribe", processor="p1", params=params)
        answer, *told = client.told()
        self.assertEqual((answer["recovered"], answer["offset"]), (True, 13))
        self.assertEqual(
            [(each["event"], each.get("skipped", 0)) for each in told],
            [("learning", 0)] * 3 + [("observations", 8), ("predictions", 0)],
        )
        observe(self.writer, "d")
        self.assertEqual([each["offset"] for each in events(client)], [14, 14])

    def test_not_recovered(self) -> None:
        """Where that cannot be it says so, and is told no old event."""
        client = self.connect()
        client.say(
            method="subscribe", processor="p1", params={"since": 1, "epoch": "of another history"}
        )
        [answer] = client.told()
        self.assertEqual((answer["recovered"], answer["offset"]), (False, 1))

    def test_observations(self) -> None:
        """One that was cut off with observations unsent tells which it had, and is told how many
        it lacks."""
        client = self.connect()
        answer = client.ask(method="subscribe", processor="p1")
        observe(self.writer, "b")
        self.assertEqual([each["offset"] for each in events(client)], [2, 2])
        client.stall()
        client.say(id=0, method="ping")
        observe(self.writer, "c")
        observe(self.writer, "d")
        client.cut()
        client = self.connect()
        params = {
            "since": 4,
            "epoch": answer["epoch"],
            "observations": 2,
            "predictions": 2,
        }
        client.say(method="subscribe", processor="p1", params=params)
        answer, *told = client.told()
        self.assertTrue(answer["recovered"])
        self.assertEqual(
            [(each["event"], each["offset"], each.get("skipped", 0)) for each in told],
            [("observations", 4, 1), ("predictions", 4, 1)],
        )
