"""The ROUTER: frames to commands, replies to frames (SPEC 9)."""

from typing import Any

import msgpack
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from kato import suspicion
from kato.codec import MAX_MESSAGE
from kato.commands import Command, Reply
from kato.errors import ModelNotFound, Moved, StorageUnavailable
from kato.intake import Intake
from kato.ledger import GATHERED
from kato.limits import Limits
from kato.messagepack import WrittenList, pack, unpack
from kato.protocols.zmq import backlog
from kato.protocols.zmq.backlog import PAUSE
from kato.protocols.zmq.forwarding import FORWARDED, MARK
from kato.protocols.zmq.server import LONG, ZmqServer
from kato.replies import read_reply
from tests.doubles import Threads, Written
from tests.gates import make_gate
from tests.zmq.memory import Connecting, MemoryPort, MemorySockets

ADDRESS = "tcp://service:5555"


class Asked:
    """Keeps what is asked, and answers when the test does."""

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.answers: list[Deferred[Reply]] = []

    def ask(self, command: Command) -> "Deferred[Reply]":
        self.commands.append(command)
        self.answers.append(Deferred())
        return self.answers[-1]


class ServerTests(SynchronousTestCase):
    """L{ZmqServer} in a network in memory."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1000)
        self.network = MemorySockets(self.clock)
        self.threads = Threads()
        self.asked = Asked()
        self.sole: str | None = None
        self.server = self.serve()
        self.came: list[list[bytes]] = []
        self.client = self.connect(self.came)

    def serve(self, **more: Any) -> ZmqServer:
        key = more.pop("api_key", None)
        given: dict[str, Any] = {"controls": {}, **more}
        made = ZmqServer(
            make_gate(self.asked, key, clock=self.clock),
            clock=self.clock,
            in_thread=self.threads,
            sole=lambda _: self.sole,
            **given,
        )
        made.open(self.network, MemoryPort(ADDRESS))
        return made

    def connect(self, came: list[list[bytes]]) -> Connecting:
        def nothing(*_: object) -> None:
            """Connections are not looked at here."""

        client = self.network.dealer(ADDRESS, received=came.append, up=nothing, down=nothing)
        self.network.pump()
        return client

    def send(self, value: object, *before: bytes) -> None:
        body = value if isinstance(value, bytes) else pack(value)
        self.client.send([*before, body])
        self.network.pump()

    def answer(self) -> Any:
        """The oldest answer that was not looked at."""
        self.network.pump()
        return unpack(self.came.pop(0)[-1])

    def error(self, value: object) -> tuple[str, str]:
        self.send(value)
        answer = self.answer()
        self.assertEqual(answer["status"], "error")
        self.assertEqual(answer["time_stamp"], self.clock.seconds())
        return answer["error_code"], answer["message"]

    def test_epoch(self) -> None:
        """The epoch of an answer, and where a processor has moved, are told to who asks for that,
        and to nobody else."""
        told = []
        for accept in ([], ["epoch"]):
            for result in (
                Reply("done", 1.0, processor="p", epoch=7),
                Moved("elsewhere", address="tcp://other:5555", epoch=8),
            ):
                self.send({"method": "get_status", "processor": "p", "accept": accept})
                answer = self.asked.answers.pop()
                if isinstance(result, Moved):
                    answer.errback(result)
                else:
                    answer.callback(result)
                told.append(self.answer())
        plain, sent_away, epoch, moved = told
        self.assertNotIn("epoch", plain)
        self.assertNotIn("moved", sent_away)
        self.assertEqual(sent_away["error_code"], "PROCESSOR_UNAVAILABLE")
        self.assertEqual(epoch, {**plain, "epoch": 7})
        self.assertEqual(moved, {**sent_away, "moved": {"address": "tcp://other:5555", "epoch": 8}})
        read = read_reply(moved)
        assert isinstance(read, Moved)
        self.assertEqual((read.address, read.epoch), ("tcp://other:5555", 8))

    def test_too_late(self) -> None:
        """What may not be said any more when it is sent is not said; what is no processor's is."""
        self.server.close()
        may: list[bool] = []
        self.server = self.serve(may_answer=lambda: bool(may))
        self.client = self.connect(self.came)
        for processor in ("p", None):
            self.send({"method": "ping", "processor": processor})
            self.asked.answers.pop().callback(Reply("pong", 1.0, processor=processor))
        self.assertEqual(self.answer()["error_code"], "PROCESSOR_UNAVAILABLE")
        self.assertEqual(self.answer()["status"], "okay")

    def test_envelopes(self) -> None:
        """The reply goes back behind exactly the frames that came before the request."""
        for before in ([], [b""], [b"corr"], [b"corr", b""], [b"a", b"b", b"c"]):
            self.send({"method": "ping"}, *before)
            self.asked.answers.pop().callback(Reply("pong", 1.0))
            self.network.pump()
            [*frames, body] = self.came.pop()
            self.assertEqual(frames, before)
            answer = {"status": "okay", "message": "pong", "time_stamp": 1.0}
            self.assertEqual(unpack(body), answer)

    def test_under_way(self) -> None:
        """Many requests are under way at once, and answered in any order."""
        for number in range(3):
            self.send({"method": "learn", "processor": f"p{number}"}, b"%d" % number)
        for number in (2, 0, 1):
            self.asked.answers[number].callback(Reply("learned", 1.0, processor=f"p{number}"))
        self.network.pump()
        self.assertEqual([frames[0] for frames in self.came], [b"2", b"0", b"1"])
        self.assertEqual(self.server.statistics()["requests"], 3)

    def test_errors(self) -> None:
        """An error says its code, its sentence, and what else is known."""
        self.send({"method": "learn", "processor": "p1"})
        error = StorageUnavailable("the disk is full", retry_after=1, outcome_unknown=True)
        self.asked.answers.pop().errback(error)
        self.assertEqual(
            self.answer(),
            {
                "status": "error",
                "message": "the disk is full",
                "error_code": "STORAGE_UNAVAILABLE",
                "outcome": "unknown",
                "retry_after": 1,
                "processor": "p1",
                "time_stamp": 1000.0,
            },
        )
        self.send({"method": "get_model", "processor": "p1", "params": {"model_name": "x"}})
        self.asked.answers.pop().errback(ModelNotFound("no such model"))
        self.assertEqual(self.answer()["error_code"], "MODEL_NOT_FOUND")

    def test_malformed(self) -> None:
        """What is malformed gets an error that names it, and nothing is asked."""
        for value, code, why in (
            (b"", "INVALID_REQUEST", "message: not MessagePack"),
            (b"\xc1", "INVALID_REQUEST", "message: not MessagePack"),
            ([], "INVALID_REQUEST", "body: expected an object, got list"),
            (None, "INVALID_REQUEST", "body: expected an object, got null"),
            ({}, "INVALID_REQUEST", "method: missing"),
            ({"type": 7}, "INVALID_REQUEST", "type: expected a string, got int 7"),
            ({"type": "x"}, "UNKNOWN_OPERATION", "type: no request is of type 'x'"),
            ({"type": "heartbeat", "x": 1}, "INVALID_REQUEST", "x: unknown key, known are api_key"),
            ({"method": "x"}, "UNKNOWN_OPERATION", "method: no operation is called 'x'"),
            ({"method": "learn"}, "INVALID_REQUEST", "processor: expected an id, got null"),
        ):
            given_code, message = self.error(value)
            self.assertEqual(given_code, code)
            self.assertTrue(message.startswith(why), message)
        twice = msgpack.packb({"method": "ping"})
        twice = b"\x82" + twice[1:] * 2
        self.assertEqual(self.error(twice)[1], "method: given twice")
        self.assertEqual(self.asked.commands, [])
        self.assertEqual(self.server.statistics()["refused"], 11)

    def test_too_large(self) -> None:
        """A message over the limit is refused, and its sender told."""
        self.send(bytes(MAX_MESSAGE + 1))
        self.threads.run()
        answer = self.answer()
        self.assertEqual(answer["error_code"], "PAYLOAD_TOO_LARGE")

    def test_forwarded(self) -> None:
        """What a gateway marks may be larger, but not without a bound; a mark of another place is a
        frame like any other."""
        for envelope, length, message in (
            ([MARK, b"7"], MAX_MESSAGE + 1, "not MessagePack"),
            ([b"7", MARK], MAX_MESSAGE + 1, "over the limit"),
            ([MARK, b"7"], FORWARDED * MAX_MESSAGE + 1, "over the limit"),
        ):
            self.send(bytes(length), *envelope)
            self.threads.run()
            self.assertIn(message, self.answer()["message"])

    def test_heartbeat(self) -> None:
        """A heartbeat is answered with the time, key or no key."""
        self.send({"type": "heartbeat"})
        self.assertEqual(self.answer(), {"status": "okay", "timestamp": 1000.0})

    def test_controls(self) -> None:
        """A request that is no operation goes to who knows its type."""
        given: list[object] = []

        def control(value: object) -> "Deferred[dict[str, Any]]":
            given.append(value)
            return succeed({"status": "okay", "x": 1})

        self.server.close()
        self.serve(controls={"mine": control}, api_key=b"k")
        self.client = self.connect(self.came)
        self.send({"type": "mine", "a": 2, "api_key": "k"})
        self.assertEqual(self.answer(), {"status": "okay", "x": 1})
        self.assertEqual(given, [{"a": 2}])

    def test_vouched(self) -> None:
        """Who has told a right key is no guest any more; a ping, a heartbeat and a wrong key leave
        one as it was."""
        self.serve(api_key=b"secret")
        router = self.network.bound[ADDRESS]
        self.client = self.connect(self.came)
        for value in (
            {"method": "ping"},
            {"type": "heartbeat"},
            {"method": "learn", "processor": "p1"},
            {"method": "learn", "processor": "p1", "api_key": "wrong"},
            b"nonsense",
        ):
            self.send(value)
            self.assertEqual(router.visitors()["guests"], 1, value)
        self.send({"method": "learn", "processor": "p1", "api_key": "secret"})
        self.assertEqual(router.visitors()["guests"], 0)

    def test_key(self) -> None:
        """Where there is a key, all but heartbeats and a plain ping need it, before all else."""
        self.server.close()
        self.serve(api_key=b"secret", controls={"hello": lambda _: {"status": "okay"}})
        self.client = self.connect(self.came)
        for value in (
            {"method": "nonsense"},
            {"method": "ping", "processor": "p1"},
            {"type": "hello"},
        ):
            self.assertEqual(self.error(value), ("UNAUTHORIZED", "no key: send it as api_key"))
            self.assertEqual(
                self.error({**value, "api_key": "Secret"}),
                ("UNAUTHORIZED", "this is not a key of this server"),
            )
        self.send({"type": "heartbeat"})
        self.assertEqual(self.answer()["status"], "okay")
        self.send({"type": "hello", "api_key": "secret"})
        self.assertEqual(self.answer()["status"], "okay")
        self.send({"method": "ping"})
        self.send({"method": "learn", "processor": "p1", "api_key": "secret"})
        self.assertEqual([each.operation for each in self.asked.commands], ["ping", "learn"])

    def test_guessing(self) -> None:
        """Wrong keys are answered later and later, whoever tells them; nobody else waits."""
        self.server.close()
        self.serve(api_key=b"secret")
        self.client = self.connect(self.came)
        wrong = {"method": "learn", "processor": "p1", "api_key": "wrong"}
        for _ in range(suspicion.FREE):
            self.error(wrong)
        self.client = self.connect(self.came)
        self.send(wrong, b"1")
        self.send({**wrong, "api_key": "secret"}, b"2")
        self.asked.answers.pop().callback(Reply("learned", 1.0))
        self.network.pump()
        self.assertEqual([each[0] for each in self.came], [b"2"])
        self.clock.advance(0.125)
        self.network.pump()
        self.assertEqual([each[0] for each in self.came], [b"2", b"1"])

    def test_origin(self) -> None:
        """The name of the key goes with the command; what a gateway passes on keeps its own."""
        self.server.close()
        self.serve(api_key=b"secret")
        self.client = self.connect(self.came)
        request = {"method": "learn", "processor": "p1", "api_key": "secret"}
        self.send(request)
        self.send({**request, "origin": {"transport": "rest", "id": "7", "key": "dashboards"}})
        origins = [each.origin for each in self.asked.commands]
        keys = [(each.transport, each.key) for each in origins if each is not None]
        self.assertEqual(keys, [("zmq", "api-key"), ("rest", "dashboards")])

    def test_sole_processor(self) -> None:
        """The only processor of a service need not be named."""
        self.sole = "p7"
        self.send({"method": "get_stm"})
        [command] = self.asked.commands
        self.assertEqual((command.operation, command.processor), ("get_short_term_memory", "p7"))

    def test_defect(self) -> None:
        """A defect is told by its reference in the log alone."""
        self.send({"method": "ping"})
        self.asked.answers.pop().errback(ZeroDivisionError("secret"))
        answer = self.answer()
        self.assertEqual(answer["error_code"], "INTERNAL_ERROR")
        self.assertNotIn("secret", answer["message"])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_answer_that_cannot_be_written(self) -> None:
        """An answer that has no words in MessagePack is a defect, not silence."""
        self.send({"method": "ping"})
        self.asked.answers.pop().callback(Reply("pong", 1.0, {"x": object()}))
        self.assertEqual(self.answer()["error_code"], "INTERNAL_ERROR")
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)

    def test_long_request(self) -> None:
        """A long request is read in a thread; those behind it, of the same peer, wait for it, and
        those of others do not."""
        self.send({"method": "observe", "processor": "p1", "params": {"strings": ["a" * LONG]}})
        self.send({"method": "learn", "processor": "p1"})
        self.send({"method": "observe", "processor": "p1", "params": {"strings": ["b" * LONG]}})
        self.send({"method": "get_stm", "processor": "p1"})
        other: list[list[bytes]] = []
        self.connect(other).send([pack({"method": "ping"})])
        self.network.pump()
        self.assertEqual([each.operation for each in self.asked.commands], ["ping"])
        self.threads.run()
        operations = [each.operation for each in self.asked.commands]
        self.assertEqual(operations, ["ping", "observe", "learn"])
        self.threads.run()
        operations = [each.operation for each in self.asked.commands]
        self.assertEqual(operations[3:], ["observe", "get_short_term_memory"])
        self.send({"method": "learn", "processor": "p1"})
        self.assertEqual(len(self.asked.commands), 6)

    def test_compressed_request(self) -> None:
        """A request that came compressed may be long, and is read in a thread, too, one of them at
        a time."""
        asked = {"method": "observe", "processor": "p1", "params": {"strings": ["a" * LONG]}}
        raw = pack(asked, accept=frozenset({"zlib"}))
        self.assertLess(len(raw), 1_000)
        others: list[list[bytes]] = []
        for client in (self.client, self.connect(others)):
            client.send([raw])
        self.send({"method": "learn", "processor": "p1"})
        self.network.pump()
        self.assertEqual((self.asked.commands, len(self.threads.waiting)), ([], 1))
        self.threads.run()
        self.assertEqual([each.operation for each in self.asked.commands], ["observe", "learn"])
        self.threads.run()
        self.assertEqual(len(self.asked.commands), 3)

    def test_long_nonsense(self) -> None:
        """A long message that is malformed is refused, and those behind it go on."""
        self.send(b"\xc1" * (LONG + 1))
        self.send({"method": "ping"})
        self.threads.run()
        self.assertEqual(self.answer()["error_code"], "INVALID_REQUEST")
        self.assertEqual(len(self.asked.commands), 1)

    def test_long_answers(self) -> None:
        """Long answers are written in a thread; JSON that is written already need not be."""
        for accept, waits in (([], 1), (["json"], 0), (["json", "zlib"], 1)):
            self.send({"method": "get_predictions", "processor": "p1", "accept": accept})
            listed = Written([{"a": 1}])
            self.asked.answers.pop().callback(Reply("predictions", 1.0, {"predictions": listed}))
            self.assertEqual(len(self.threads.waiting), waits)
            if waits:
                self.threads.run()
            predictions = self.answer()["predictions"]
            self.assertEqual(isinstance(predictions, WrittenList), "json" in accept)
            self.assertEqual(predictions, [{"a": 1}])

    def test_too_many(self) -> None:
        """More requests under way than allowed are refused, and may come again."""
        self.server.close()
        self.serve(intake=Intake(self.threads, Limits(requests=2)))
        self.client = self.connect(self.came)
        for _ in range(3):
            self.send({"method": "ping"})
        answer = self.answer()
        self.assertEqual((answer["error_code"], answer["retry_after"]), ("TOO_MANY_REQUESTS", 1))
        self.asked.answers[0].callback(Reply("pong", 1.0))
        self.send({"method": "ping"})
        self.assertEqual(len(self.asked.commands), 3)

    def test_slow_reader(self) -> None:
        """Replies that a peer does not take wait for it, in order."""
        [router] = self.network.bound.values()
        for number in range(3):
            self.send({"method": "ping"}, b"%d" % number)
        router.full = True
        for answer in self.asked.answers:
            answer.callback(Reply("pong", 1.0))
        self.network.pump()
        self.assertEqual((self.came, self.server.statistics()["unsent"]), ([], 3))
        self.clock.advance(PAUSE)
        self.assertEqual(self.server.statistics()["unsent"], 3)
        router.full = False
        self.clock.advance(PAUSE)
        self.network.pump()
        self.assertEqual([frames[0] for frames in self.came], [b"0", b"1", b"2"])
        self.assertEqual(self.server.statistics()["unsent"], 0)
        self.clock.advance(GATHERED)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_reader_that_never_reads(self) -> None:
        """What waits for a peer is bounded; what is over is lost, and counted."""
        self.patch(backlog, "MAX_BYTES", 120)
        [router] = self.network.bound.values()
        router.full = True
        for _ in range(3):
            self.send({"method": "ping"})
            self.asked.answers.pop().callback(Reply("pong", 1.0))
        told = self.server.statistics()
        self.assertEqual((told["unsent"], told["lost"]), (2, 1))

    def test_closed(self) -> None:
        """Closed, it says nothing more, and nothing is left running."""
        self.send({"method": "ping"})
        [router] = self.network.bound.values()
        router.full = True
        self.send({"method": "ping"})
        self.asked.answers.pop().callback(Reply("pong", 1.0))
        self.server.close()
        self.asked.answers.pop().callback(Reply("pong", 1.0))
        self.network.pump()
        self.assertEqual(self.came, [])
        self.assertEqual(self.clock.getDelayedCalls(), [])
