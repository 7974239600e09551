"""Requests and replies as maps (SPEC 8 and 9)."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato.commands import OPERATIONS, Command, Reply
from kato.errors import (
    BY_CODE,
    InternalError,
    InvalidRequest,
    KatoError,
    StorageUnavailable,
    UnknownOperation,
)
from kato.limits import Limits
from kato.messagepack import pack, unpack
from kato.replies import error_map, read_reply
from kato.requests import OLDER, Request, request_map

_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
_number = st.floats(allow_nan=False, allow_infinity=False)
_emotives = st.dictionaries(_text, _number, max_size=3)
_observation = st.fixed_dictionaries(
    {},
    optional={
        "strings": st.lists(_text, max_size=3),
        "vectors": st.lists(st.lists(_number, min_size=1, max_size=3), max_size=2),
        "emotives": _emotives,
        "unique_id": _text,
        "metadata": st.dictionaries(_text, st.integers() | st.none() | st.lists(_text), max_size=2),
    },
)
_page = st.fixed_dictionaries({}, optional={"limit": st.integers(1, 10_000), "after": _text})
_genes = st.fixed_dictionaries(
    {}, optional={"sort": st.booleans(), "vector_max_distance": st.none() | st.floats(0, 9)}
)
_flags = {"learn_after_each": st.booleans(), "brief": st.booleans()}
_params: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "observe": st.builds(lambda o, brief: {**o, **brief}, _observation, st.just({"brief": True})),
    "observe_sequence": st.fixed_dictionaries(
        {"observations": st.lists(_observation, max_size=3)}, optional=_flags
    ),
    "get_predictions": st.fixed_dictionaries({}, optional={"unique_id": _text}),
    "get_forecast": st.fixed_dictionaries({}, optional={"limit": st.integers(1, 10_000)}),
    "get_gene": st.just({"gene": "sort"}),
    "change_gene": st.sampled_from(
        [{"gene": "vector_max_distance", "value": None}, {"gene": "persistence", "value": 3.0}]
    ),
    "change_genes": st.builds(lambda genes: {"genes": genes}, _genes),
    "create_processor": st.builds(lambda genes: {"genes": genes}, _genes) | st.just({}),
    "explain": st.builds(lambda name: {"model_name": name}, _text),
    "get_model": st.builds(lambda name: {"model_name": name}, _text),
    "delete_model": st.builds(lambda name: {"model_name": name}, _text),
    "update_model": st.fixed_dictionaries(
        {"model_name": _text, "frequency": st.integers(1, 99)},
        optional={"emotives": st.lists(_emotives, max_size=2)},
    ),
    "list_models": _page,
    "list_processors": _page,
}


@st.composite
def commands(draw: st.DrawFn) -> Command:
    """Any command that the table knows."""
    operation = draw(st.sampled_from(sorted(OPERATIONS)))
    params = draw(_params.get(operation, st.just({})))
    processor = None if operation == "list_processors" else "p1"
    return Command.parse(operation, params, processor, draw(st.none() | st.just("r1")))


def nobody() -> None:
    """There is not just one processor."""


def request(**more: object) -> dict[str, object]:
    return {"method": "learn", "processor": "p1", **more}


class RequestTests(SynchronousTestCase):
    """A request is judged."""

    @given(commands())
    @settings(deadline=None)
    def test_handed_on(self, command: Command) -> None:
        """A command that is handed on to another service is the same command there."""
        again = Request.parse(unpack(pack(request_map(command)))).command(nobody, Limits())
        self.assertEqual(again, command)
        self.assertEqual(again.digest(), command.digest())

    def test_older_names(self) -> None:
        """Older names of operations and parameters are taken."""
        for older, name in OLDER.items():
            params: object = {"gene": "sort", "value": True} if name == "change_gene" else {}
            command = Request.parse(request(method=older, params=params)).command(nobody, Limits())
            self.assertEqual(command.operation, name)
        for method, params in (
            ("get_gene", {"gene_name": "sort"}),
            ("change_gene", {"gene_name": "sort", "gene_value": False}),
            ("gene_change", {"gene_name": "sort", "gene_value": False}),
        ):
            command = Request.parse(request(method=method, params=params)).command(nobody, Limits())
            self.assertEqual(getattr(command.params, "gene", None), "sort")

    def test_both_names(self) -> None:
        """A parameter under both its names is refused."""
        given = Request.parse(request(method="get_gene", params={"gene_name": "a", "gene": "b"}))
        error = self.assertRaises(InvalidRequest, given.command, nobody, Limits())
        self.assertEqual(error.message, "gene_name: another name of gene, which is given too")

    def test_sole_processor(self) -> None:
        """The only processor of a service need not be named; a ping without one is the server's."""
        given = Request.parse({"method": "learn"})
        self.assertEqual(given.command(lambda: "p7", Limits()).processor, "p7")
        error = self.assertRaises(InvalidRequest, given.command, nobody, Limits())
        self.assertEqual(error.message, "processor: expected an id, got null")
        self.assertIsNone(
            Request.parse({"method": "ping"}).command(lambda: "p7", Limits()).processor
        )

    def test_refusals(self) -> None:
        """What is malformed is named."""
        for raw, why in (
            ([], "body: expected an object, got list"),
            ({}, "method: missing"),
            ({1: 2}, "body: key: expected a string, got int 1"),
            (request(speed=1), "speed: unknown key, known are accept, api_key, method, origin, "),
            (request(api_key=7), "api_key: expected a string, got int 7"),
            (request(accept="zlib"), "accept: expected a list, got str 'zlib'"),
            (request(accept=["xz"]), "accept: 'xz' is unknown, known are json, zlib"),
            (request(accept=[1]), "accept[0]: expected a string, got int 1"),
        ):
            error = self.assertRaises(InvalidRequest, Request.parse, raw)
            self.assertTrue(error.message.startswith(why), error.message)
        for raw, code in (
            (request(method="forget"), UnknownOperation),
            (request(method=7), InvalidRequest),
            (request(params=[]), InvalidRequest),
            (request(processor=b"p1"), InvalidRequest),
            (request(request_id=""), InvalidRequest),
            (request(method="observe", params={"strings": ["\udcff"]}), InvalidRequest),
        ):
            self.assertRaises(code, Request.parse(raw).command, nobody, Limits())


class ReplyTests(SynchronousTestCase):
    """A reply of another service is read."""

    def test_success(self) -> None:
        """A success is the same reply again."""
        for reply in (
            Reply("observed", 1.5, {"events": 3, "unique_id": "x"}, processor="p1", interval=7),
            Reply("pong", 2.0),
        ):
            self.assertEqual(read_reply(unpack(pack(reply.as_dict()))), reply)

    def test_errors(self) -> None:
        """An error is of the same kind again, and says all that it said."""
        for kind in BY_CODE.values():
            error = read_reply(error_map(kind("why"), time_stamp=1.0))
            assert isinstance(error, KatoError)
            self.assertEqual((error.error_code, error.message), (kind.error_code, "why"))
        told = error_map(
            StorageUnavailable("full", retry_after=3, outcome_unknown=True),
            time_stamp=1.0,
            processor="p1",
        )
        self.assertEqual(told["processor"], "p1")
        error = read_reply(told)
        assert isinstance(error, StorageUnavailable)
        self.assertEqual((error.retry_after, error.outcome_unknown), (3, True))

    def test_unknown_error(self) -> None:
        """A code that is not known here is an internal error."""
        told = {"status": "error", "message": "new", "error_code": "NEW"}
        self.assertIsInstance(read_reply(told), InternalError)

    def test_nonsense(self) -> None:
        """What is no answer is refused."""
        nonsense: list[object] = [[], {}, {"status": "okay"}, {"status": "fine"}, {"status": []}]
        for raw in nonsense:
            self.assertRaises(InvalidRequest, read_reply, raw)
