"""What a line tells is what was asked for, and what came of it."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato.audit.chain import Head
from kato.audit.lines import Creation, Done, Event, brief, parsed
from kato.codec import decode_json, encode_json
from kato.commands import Command
from kato.genes import Genes
from kato.origin import Origin
from tests.engine.worlds import CHANGES, IDS

ORIGINS = st.none() | st.builds(
    Origin,
    st.just("rest"),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=3),
    st.none() | st.just('a "key"'),
)
FIELDS = st.dictionaries(
    st.sampled_from(["unique_id", "auto_learned_model", "observed", "old_values", "predictions"]),
    st.none() | IDS | st.integers() | st.just({"persistence": 5}) | st.just(['"']),
)


class DoneTests(SynchronousTestCase):
    """An operation in a line."""

    @given(CHANGES, ORIGINS, FIELDS, st.booleans(), st.integers(0, 5), st.booleans())
    def test_told(
        self,
        step: Any,
        origin: Origin | None,
        fields: dict[str, Any],
        created: bool,
        epoch: int,
        read: bool,
    ) -> None:
        """Whatever is done, its line tells just that, and the same command comes from it."""
        name, params, request_id = step
        if "model_name" in params:
            params = {**params, "model_name": f"MODEL|{params['model_name']}"}
        command = Command.parse(name, params, "p", request_id).asked(origin)
        creation = Creation("An\n", Genes(sort=False)) if created else None
        done = Done(command, 1.5, "p", 3, 2, 1, fields, epoch or None, "m", creation, read)
        line, _ = Head().link(done.told())
        told = parsed(line)
        expected: dict[str, Any] = {
            "n": 1,
            "prev": "0" * 64,
            "time": 1.5,
            "processor": "p",
            "revision": 3,
            "interval": 2,
            "events": 1,
            "operation": name,
            "params": command.params.sent(),
            "result": brief(fields),
            "made": "m",
        }
        if epoch:
            expected["epoch"] = epoch
        if request_id is not None:
            expected["request_id"] = request_id
        if origin is not None:
            expected["origin"] = origin.sent()
        if created:
            expected["created"] = {"name": "An\n", "genes": Genes(sort=False).as_dict()}
        if read:
            expected["read"] = True
        self.assertEqual(told, decode_json(encode_json(expected)))
        again = Command.parse(told["operation"], told["params"], "p", told.get("request_id"))
        self.assertEqual(again, command)

    def test_short(self) -> None:
        """A line with a long list is not written in a moment; what it tells is the same."""
        for count, is_short in ((16, True), (17, False)):
            strings = [f"s{number:02}" for number in range(count)]
            for more in ({}, {"metadata": {"a": [1]}}, {"vectors": [[1.0] * count]}):
                params = {"strings": strings, **more}
                done = Done(Command.parse("observe", params, "p"), 1.0, "p", 1, 1, 1)
                self.assertEqual(done.is_short, is_short)
                self.assertEqual(decode_json(done.told())["params"], params)  # type: ignore[index]

    def test_event(self) -> None:
        """An event tells its processor, and null where there is none any more."""
        told = decode_json(Event("restored", 1.0, "p", None, None, 3).told())
        self.assertEqual(
            told,
            {
                "time": 1.0,
                "event": "restored",
                "processor": "p",
                "revision": None,
                "interval": None,
                "epoch": 3,
            },
        )
