"""What L{kato.dispatch.IProcessors} promises, as tests that every provider passes (SPEC 8)."""

from collections.abc import Awaitable, Callable
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import TestCase

from kato.commands import OPERATIONS, Reply
from kato.dispatch import AlreadyBegun
from kato.engines import Engines
from kato.errors import (
    Conflict,
    KatoError,
    LimitReached,
    ModelNotFound,
    ObservationNotFound,
    ProcessorNotFound,
    StorageUnavailable,
    TooManyRequests,
)
from tests.contract.systems import Embedded, System, answer_of, command

SEQUENCE: list[dict[str, Any]] = [
    {"strings": ["a", "b"]},
    {"strings": ["c"], "emotives": {"joy": 0.25}},
]
NAME = "MODEL|e9e43f2309079f2843665ab773996d99489306d6"

EVERYTHING: tuple[tuple[str, dict[str, Any]], ...] = (
    ("create_processor", {"genes": {"max_predictions": 7, "vector_max_distance": 2.5}}),
    ("create_processor", {}),
    ("observe_sequence", {"observations": SEQUENCE, "learn_at_end": True}),
    ("observe_sequence", {"observations": SEQUENCE, "learn_after_each": True, "brief": True}),
    (
        "observe",
        {
            "strings": ["b", "a", ""],
            "vectors": [[1.0, -0.0, 1e308], [2]],
            "emotives": {"joy": -0.0, "ärger 😀": 5e-324},
            "unique_id": "u1",
            "metadata": {"deep": [{"big": 10**30, "small": -(2**63), "none": None, "yes": True}]},
        },
    ),
    ("get_percept_data", {}),
    ("observe", {"strings": ["c"], "brief": True}),
    ("get_predictions", {}),
    ("get_predictions", {"unique_id": "u1"}),
    ("get_forecast", {"limit": 2}),
    ("explain", {"model_name": NAME}),
    ("get_cognition_data", {}),
    ("get_short_term_memory", {}),
    ("get_status", {}),
    ("learn", {}),
    ("get_gene", {"gene": "rank_by"}),
    ("change_gene", {"gene": "persistence", "value": 2}),
    ("change_genes", {"genes": {"sort": False, "vector_max_distance": None}}),
    ("get_genes", {}),
    ("get_model", {"model_name": NAME}),
    ("get_model", {"model_name": NAME.partition("|")[2]}),
    ("update_model", {"model_name": NAME, "frequency": 3, "emotives": [{"joy": 1.5}, {}]}),
    ("list_models", {}),
    ("list_models", {"limit": 1, "after": NAME}),
    ("delete_model", {"model_name": NAME}),
    ("clear_short_term_memory", {}),
    ("clear_all_memory", {}),
    ("ping", {}),
    ("delete_processor", {}),
)
"""Every operation on a processor, in an order in which each has something to tell."""

_LONG = {"observations": [{"strings": ["a", "b"]}] * 101, "learn_at_end": True}
"""What takes so long that it goes on in a thread."""

Provoke = Callable[[System], Awaitable[object]]


class ProcessorsContract(TestCase):
    """Tests of a provider, which C{make} makes."""

    timeout = 60

    def make(self) -> System:
        raise NotImplementedError

    async def setUp(self) -> None:  # type: ignore[override]
        self.system = await self.started(self.make())

    async def started(self, system: System, **options: Any) -> System:
        """@param options: of its worker."""
        await system.start(**options)
        self.addCleanup(lambda: Deferred.fromCoroutine(system.stop()))
        return system

    def ask(self, *args: Any, **kwargs: Any) -> "Deferred[Reply]":
        asked: Deferred[Reply] = self.system.processors.ask(command(*args, **kwargs))
        return asked

    async def answer(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """What a command is answered, as a client reads it."""
        return answer_of(await self.system.result(self.ask(*args, **kwargs)))

    async def memory(self, processor: str = "p1") -> Any:
        return (await self.answer("get_short_term_memory", {}, processor))["short_term_memory"]

    # Every operation

    async def test_every_operation(self) -> None:
        """Every operation is answered as an embedded worker answers it."""
        reference = await self.started(Embedded())
        for operation, params in EVERYTHING:
            asked = command(operation, params)
            expected = answer_of(await reference.result(reference.processors.ask(asked)))
            given = answer_of(await self.system.result(self.system.processors.ask(asked)))
            for answer in (given, expected):
                del answer["time_stamp"]
            self.assertEqual(list(given.items()), list(expected.items()), operation)
        said = {operation for operation, _ in EVERYTHING}
        self.assertEqual(said, set(OPERATIONS) - {"list_processors"})

    async def test_server(self) -> None:
        """What speaks to no processor is answered, too."""
        self.assertEqual((await self.answer("ping", {}, None))["message"], "pong")
        for processor in ("p2", "p1", "p3"):
            await self.answer("create_processor", {}, processor)
        told = await self.answer("list_processors", {"limit": 2, "after": "p1"}, None)
        self.assertEqual([each["id"] for each in told["processors"]], ["p2", "p3"])
        self.assertEqual((told["total"], told["next"]), (3, None))

    async def test_much(self) -> None:
        """A long observation comes through whole, and so does the answer to it."""
        strings = [f"{number:06}" for number in range(10_000)]
        told = await self.answer("observe", {"strings": strings})
        self.assertEqual(told["short_term_memory"], [strings])

    # Errors

    async def error(self, system: System, provoke: Provoke) -> KatoError:
        """What a system fails with."""
        try:
            await provoke(system)
        except KatoError as error:
            return error
        raise AssertionError("it does not fail")

    async def check(self, cls: type[KatoError], provoke: Provoke, **options: Any) -> KatoError:
        """It fails with such an error, which tells all that it tells where it arises."""
        self.system = await self.started(self.make(), **options)
        reference = await self.started(Embedded(), **options)
        error = await self.error(self.system, provoke)
        expected = await self.error(reference, provoke)
        self.assertIs(type(error), cls)
        for field in ("error_code", "message", "retry_after", "outcome_unknown"):
            self.assertEqual(getattr(error, field), getattr(expected, field), field)
        return error

    async def test_not_found(self) -> None:
        """What is not there is named."""

        def asking(operation: str, **params: Any) -> Provoke:
            async def provoke(system: System) -> None:
                await system.result(system.processors.ask(command("observe", SEQUENCE[0], "p1")))
                processor = params.pop("processor", "p1")
                await system.result(
                    system.processors.ask(command(operation, dict(params), processor))
                )

            return provoke

        await self.check(ModelNotFound, asking("get_model", model_name=NAME))
        await self.check(ModelNotFound, asking("explain", model_name=NAME))
        await self.check(ObservationNotFound, asking("get_predictions", unique_id="u"))

        async def nobody(system: System) -> None:
            await system.result(system.processors.ask(command("learn", processor="nobody")))

        await self.check(ProcessorNotFound, nobody)

    async def test_conflict(self) -> None:
        """A request id, or an id of an observation, that was used for something else."""
        for key in ("request_id", "unique_id"):

            async def provoke(system: System, key: str = key) -> None:
                for string in ("a", "b"):
                    params: dict[str, Any] = {"strings": [string]}
                    given = {**params, "unique_id": "u"} if key == "unique_id" else params
                    request_id = "r" if key == "request_id" else None
                    asked = command("observe", given, request_id=request_id)
                    await system.result(system.processors.ask(asked))

            await self.check(Conflict, provoke)

    async def test_limits(self) -> None:
        """No more processors, no more events, and no more models."""

        async def processors(system: System) -> None:
            for processor in ("p1", "p2"):
                asked = command("create_processor", {}, processor)
                await system.result(system.processors.ask(asked))

        await self.check(LimitReached, processors, max_processors=1)

        async def events(system: System) -> None:
            asked = command("observe_sequence", {"observations": SEQUENCE})
            await system.result(system.processors.ask(asked))

        await self.check(LimitReached, events, engines=Engines(max_events=1))

        async def models(system: System) -> None:
            for strings in (["a", "b"], ["c", "d"]):
                params = {"observations": [{"strings": strings}], "learn_at_end": True}
                asked = command("observe_sequence", params)
                await system.result(system.processors.ask(asked))

        await self.check(LimitReached, models, engines=Engines(max_models=1))

    async def test_full_queue(self) -> None:
        """Too much waits: that is told with the seconds until it may be tried again."""

        async def provoke(system: System) -> None:
            await _begun(system)
            waiting = [system.processors.ask(command("learn")) for _ in range(2)]
            try:
                await system.result(system.processors.ask(command("learn")))
            finally:
                _let_go(system)
                for each in waiting:
                    await system.result(each)

        error = await self.check(TooManyRequests, provoke, max_waiting=2)
        self.assertEqual(error.retry_after, 1)

    async def test_storage(self) -> None:
        """What cannot be made durable is told with what is known of it, and did not happen."""
        for why, retry_after, unknown in (
            (StorageUnavailable("the disk is full", retry_after=1), 1, False),
            (OSError("the test says so"), None, True),
        ):

            async def provoke(system: System, why: Exception = why) -> None:
                await system.result(system.processors.ask(command("create_processor")))
                system.store.holds = True
                asked = system.processors.ask(command("observe", SEQUENCE[0]))
                await system.until(lambda: bool(system.store.held))
                system.store.holds = False
                system.store.fail(why)
                await system.result(asked)

            error = await self.check(StorageUnavailable, provoke)
            self.assertEqual((error.retry_after, error.outcome_unknown), (retry_after, unknown))
            self.assertEqual(await self.memory(), [])

    # Taking back

    async def test_taken_back(self) -> None:
        """What is taken back before it began did not happen, and only then it is said so; what
        comes after it goes on."""
        first = await _begun(self.system)
        taken = self.ask("observe", {"strings": ["taken"]})
        after = self.ask("observe", {"strings": ["after"]})
        queue = self.system.worker._slots.at("p1").queue
        await self.system.until(lambda: len(queue) == 2)
        taken.cancel()
        fate = CancelledError if self.system.takes_back else AlreadyBegun
        await self.assertFailure(taken, fate)
        _let_go(self.system)
        await self.system.result(first)
        memory = answer_of(await self.system.result(after))["short_term_memory"]
        self.assertIn(memory, [[["after"]], [["taken"], ["after"]]])
        if fate is CancelledError:
            self.assertEqual(memory, [["after"]])

    async def test_begun(self) -> None:
        """What has begun cannot be taken back: it goes on, and nobody hears how it ended."""
        first = await _begun(self.system)
        first.cancel()
        await self.assertFailure(first, AlreadyBegun)
        _let_go(self.system)
        self.assertEqual((await self.answer("get_status"))["models"], 1)

    # Order

    async def test_order(self) -> None:
        """What is asked of one processor happens in the order in which it was asked, also behind
        something long, and is answered in that order."""
        first = await _begun(self.system)
        answered: list[int] = []
        asked = []
        for number in range(50):
            asked.append(self.ask("observe", {"strings": [str(number)], "brief": True}))
            asked[-1].addCallback(_noting, number, answered)
        _let_go(self.system)
        await self.system.result(first)
        for number, each in enumerate(asked, 1):
            self.assertEqual(answer_of(await self.system.result(each))["events"], number)
        self.assertEqual(answered, list(range(50)))
        self.assertEqual(await self.memory(), [[str(number)] for number in range(50)])

    async def test_many_processors(self) -> None:
        """Processors do not wait for each other, and none gets what is another's."""
        first = await _begun(self.system)
        over: list[int] = []
        first.addCallback(_noting, 0, over)
        names = [f"other{number}" for number in range(20)]
        asked = [
            self.ask("observe", {"strings": [name, str(number)]}, name)
            for number in range(10)
            for name in names
        ]
        for each in asked:
            await self.system.result(each)
        for name in names:
            expected = [sorted((name, str(number))) for number in range(10)]
            self.assertEqual(await self.memory(name), expected)
        self.assertEqual(over, [])
        _let_go(self.system)
        await self.system.result(first)

    # Once

    async def test_once(self) -> None:
        """Under one request id it happens once, and is answered as the first time, whoever asks
        and however often; C{brief} aside."""
        first = await self.answer("observe", {"strings": ["a"]}, request_id="r1")
        await self.answer("observe", {"strings": ["b"]})
        self.assertEqual(await self.answer("observe", {"strings": ["a"]}, request_id="r1"), first)
        brief = await self.answer("observe", {"strings": ["a"], "brief": True}, request_id="r1")
        self.assertEqual(brief["events"], 1)
        self.assertEqual(await self.memory(), [["a"], ["b"]])

    async def test_once_at_a_time(self) -> None:
        """The same request twice at the same time happens once."""
        twice = [self.ask("observe", {"strings": ["a"]}, request_id="r1") for _ in range(2)]
        first, second = [answer_of(await self.system.result(each)) for each in twice]
        self.assertEqual(first, second)
        self.assertEqual(await self.memory(), [["a"]])

    async def test_deleted_once(self) -> None:
        """A deletion under a request id is answered again, also when the processor is back."""
        await self.answer("create_processor")
        first = await self.answer("delete_processor", request_id="r1")
        await self.answer("observe", {"strings": ["back"]})
        self.assertEqual(await self.answer("delete_processor", request_id="r1"), first)
        self.assertEqual(await self.memory(), [["back"]])

    async def test_statistics(self) -> None:
        """Statistics are told."""
        await self.answer("create_processor")
        self.assertIsInstance(self.system.processors.statistics(), dict)


async def _begun(system: System) -> "Deferred[Reply]":
    """Something that has begun on C{p1}, and goes on until L{_let_go}."""
    await system.result(system.processors.ask(command("create_processor")))
    system.holds_threads = True
    first: Deferred[Reply] = system.processors.ask(command("observe_sequence", _LONG))
    await system.until(lambda: bool(system.threads.waiting))
    return first


def _let_go(system: System) -> None:
    system.holds_threads = False
    system.threads.run()


def _noting(reply: Reply, number: int, answered: list[int]) -> Reply:
    answered.append(number)
    return reply
