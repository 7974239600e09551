"""The judge of the fault test: what it takes for true, and that it finds each kind of wrong."""

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from kato.codec import encode_json
from kato.engine import Processor
from kato.errors import ModelNotFound
from kato.model import model_name
from kato.turn import take_turn
from tests.live.mirror import Mirror, NotExplained, Sent

LEARN = Sent("learn", {})
LOOK = Sent("get_cognition_data", {})


def observe(string: str, **rest: Any) -> Sent:
    return Sent("observe", {"strings": [string, "always"], **rest})


class MirrorTests(SynchronousTestCase):
    """A true processor beside its mirror."""

    def setUp(self) -> None:
        self.mirror = Mirror("p")
        self.restart([])

    def restart(self, history: list[Sent]) -> None:
        """The true processor is what this makes it."""
        self.processor = Processor("p")
        for sent in history:
            self.do(sent)

    def do(self, sent: Sent) -> dict[str, Any]:
        """Something happens to the true processor; gives what it answers."""
        outcome = take_turn(self.processor, sent.command("p"), now=9.0, make_id=lambda: "true")
        answer: dict[str, Any] = json.loads(encode_json(outcome.reply.as_dict()))
        return answer

    def say(self, *sent: Sent) -> None:
        """Operations that are answered."""
        for each in sent:
            self.mirror.answered(each, self.do(each))

    def refuse(self, sent: Sent) -> None:
        """The mirror does not believe the true answer."""
        with self.assertRaises(NotExplained):
            self.mirror.answered(sent, self.do(sent))

    def test_truth(self) -> None:
        """What is answered rightly is believed, whatever ids and times the server made."""
        self.say(observe("a"), observe("b"), LEARN, observe("a"), LOOK, Sent("list_models", {}))

    def test_lost(self) -> None:
        """What was answered and is not there is found, also where the last operation alone is."""
        self.say(observe("a"), observe("b"))
        self.restart([observe("a")])
        self.refuse(LOOK)

    def test_twice(self) -> None:
        """What happened twice is found, be it of unknown outcome or not."""
        self.say(observe("a"), observe("b"))
        self.mirror.does_not_know(LEARN)
        self.restart([observe("a"), observe("b"), LEARN, observe("a"), observe("b"), LEARN])
        self.refuse(Sent("get_model", {"model_name": self.model()}))

    def model(self) -> str:
        [model] = self.processor.list_models(2, None)[0]
        return model.name

    def test_refused(self) -> None:
        """What was refused and happened all the same is found."""
        self.say(observe("a"))
        self.do(observe("refused"))
        self.refuse(LOOK)

    def test_order(self) -> None:
        """What happened in another order is found."""
        self.say(observe("a"), observe("b"))
        self.restart([observe("b"), observe("a")])
        self.refuse(LOOK)

    def test_unknown(self) -> None:
        """What nobody can tell may have happened, or not, or happen late; but once."""
        self.say(observe("a"))
        unknown = [observe(each) for each in ("b", "c", "d")]
        for each in unknown:
            self.mirror.does_not_know(each)
        self.do(unknown[0])
        self.say(LOOK)
        self.do(unknown[2])
        self.say(LOOK, LEARN)
        self.assertEqual(list(self.mirror.unknown), unknown[1:2])
        self.do(unknown[2])
        self.refuse(LOOK)

    def test_found_late(self) -> None:
        """Where answers leave open what happened, all that it can have been is followed."""
        unknown = [observe(each) for each in ("a", "b")]
        for each in unknown:
            self.mirror.does_not_know(each)
        self.do(unknown[1])
        self.say(LEARN)
        self.say(Sent("get_model", {"model_name": self.learned("b")}))
        self.assertEqual(list(self.mirror.unknown), unknown[:1])
        self.refuse(Sent("get_model", {"model_name": self.learned("a")}))

    def learned(self, string: str) -> str:
        """The name of a model; the true processor learns it if it has not."""
        name = model_name([tuple(sorted(("always", string)))])
        if name not in [each.name for each in self.processor.list_models(9, None)[0]]:
            self.do(observe(string))
            self.do(LEARN)
        return name

    def test_answered_in_the_end(self) -> None:
        """What is sent until it is answered happened once, whenever that was."""
        for happened in (True, False):
            sent = Sent("observe", {"strings": [str(happened)]}, f"r{happened}")
            self.mirror.does_not_know(sent)
            if happened:
                self.do(sent)
            self.say(sent, LOOK)
        self.assertEqual(list(self.mirror.unknown), [])

    def test_killed(self) -> None:
        """After a kill the last operations may be gone, but for those that promised to last."""
        said = [observe("a"), observe("b"), LEARN, observe("c"), observe("d")]
        self.say(*said)
        self.restart(said[:4])
        self.mirror.was_killed()
        self.say(LOOK)
        self.restart(said[:2])
        self.mirror.was_killed()
        self.refuse(LOOK)

    def test_gap(self) -> None:
        """What is gone after a kill is gone from some operation on: none is left out."""
        said = [observe("a"), observe("b"), observe("c")]
        self.say(*said)
        self.restart([said[0], said[2]])
        self.mirror.was_killed()
        self.refuse(LOOK)

    def test_unknown_that_lasts(self) -> None:
        """What was seen to have happened, and must last then, may not be gone later."""
        self.say(observe("a"))
        self.mirror.does_not_know(LEARN)
        self.do(LEARN)
        self.say(LOOK, observe("b"))
        self.restart([observe("a")])
        self.mirror.was_killed()
        self.refuse(LOOK)

    def test_error(self) -> None:
        """An error that the true processor would have given is believed, another is not."""
        sent = Sent("get_model", {"model_name": "none"})
        error = self.assertRaises(ModelNotFound, self.do, sent)
        told = {"status": "error", "error_code": "MODEL_NOT_FOUND", "message": error.message}
        self.mirror.answered(sent, told)
        for wrong in ({"message": "gone"}, {"error_code": "PROCESSOR_NOT_FOUND"}):
            with self.assertRaises(NotExplained):
                self.mirror.answered(sent, {**told, **wrong})
