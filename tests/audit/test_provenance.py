"""When a model was learned, and of what, as the log tells it."""

from typing import Any

from kato.audit import backwards, provenance
from kato.audit.explaining import Explaining
from kato.audit.provenance import learned
from tests.audit.test_worker import AuditCase
from tests.doubles import at_once
from tests.test_worker import observation


class ProvenanceCase(AuditCase):
    """A worker with a log that is searched."""

    def learn(self, *events: str, **rest: Any) -> str:
        for event in events:
            self.answer("observe", observation(*event, **rest))
        name: str = self.answer("learn")["model_name"]
        return name

    def learned(self, name: str, **how: Any) -> dict[str, Any]:
        events = self.answer("get_model", {"model_name": name})["model"]["sequence"]
        return learned(self.folder, "p1", name, events, **how)


def of(learning: dict[str, Any] | None) -> list[tuple[Any, ...]]:
    """The strings of a learning's observations, each with its revision."""
    assert learning is not None
    return [("".join(each["strings"]), each["revision"]) for each in learning["observations"]]


class LearnedTests(ProvenanceCase):
    """Which learnings are found."""

    def test_learned(self) -> None:
        """Each learning is told with the observations that made it, the latest first."""
        name = self.learn("ab", "c")
        self.learn("x", "y")
        self.assertEqual(self.learn("ba", "c"), name)
        known = self.learned(name)
        self.assertEqual(known["times"], 2)
        self.assertEqual(
            [of(each) for each in known["latest"]], [[("ba", 7), ("c", 8)], [("ab", 1), ("c", 2)]]
        )
        self.assertEqual(of(known["first"]), [("ab", 1), ("c", 2)])
        self.assertTrue(known["searched"]["whole"])
        self.assertEqual(known["latest"][0]["interval"], 6)

    def test_others_between(self) -> None:
        """What other processors do, and what is only felt, is no part of it."""
        self.answer("observe", observation("a", unique_id="first"))
        self.answer("observe", {"emotives": {"joy": 1.0}})
        self.answer("observe", observation("z"), processor="p2")
        self.answer("get_predictions")
        name = self.learn("b")
        known = self.learned(name)
        self.assertEqual(of(known["first"]), [("a", 1), ("b", 3)])
        self.assertEqual(known["first"]["observations"][0]["unique_id"], "first")

    def test_automatic(self) -> None:
        """A window that rolls is told as it was when it was learned."""
        self.answer("change_genes", {"genes": {"max_sequence_length": 3, "stm_mode": "ROLLING"}})
        for each in "abcd":
            reply = self.answer("observe", observation(each))
        known = self.learned(reply["auto_learned_model"])
        self.assertEqual(of(known["first"]), [("b", 3), ("c", 4), ("d", 5)])

    def test_sequences(self) -> None:
        """What was learned within a sequence is found in it, and before it."""
        self.answer("observe", observation("a"))
        sequence = {"observations": [observation("b"), observation("c")], "learn_at_end": True}
        [name] = self.answer("observe_sequence", sequence)["learned_models"]
        self.assertEqual(of(self.learned(name)["first"]), [("a", 1), ("b", 2), ("c", 2)])
        each = {
            "observations": [observation("x", "y"), observation("v", "w")],
            "learn_after_each": True,
        }
        first, _ = self.answer("observe_sequence", each)["learned_models"]
        self.assertEqual(of(self.learned(first)["first"]), [("xy", 3)])

    def test_vectors(self) -> None:
        """Observations with vectors are told, too."""
        self.answer("observe", observation("a", vectors=[[1.0, 2.0]]))
        name = self.learn("b")
        [first, _] = self.learned(name)["first"]["observations"]
        self.assertEqual(first["vectors"], [[1.0, 2.0]])

    def test_void(self) -> None:
        """What was void is not told: the processor was restored before it."""
        self.observe(["a"], ["b"])
        self.clock.advance(5.0)
        self.run_threads()
        asked = self.ask("learn")
        while self.threads.waiting:
            self.threads.run()
        self.store.fail()
        self.failureResultOf(asked)
        self.run_threads()
        name = self.learn("c")
        self.assertEqual(of(self.learned(name)["first"]), [("a", 1), ("b", 2), ("c", 3)])
        name = self.learn("a", "b")
        self.assertEqual(self.learned(name)["times"], 1)

    def test_memory_begins(self) -> None:
        """What was learned before the model, the memory or the processor was forgotten counts no
        more."""
        name = self.learn("a", "b")
        for forget in (
            ("delete_model", {"model_name": name}),
            ("clear_all_memory", {}),
            ("delete_processor", {}),
        ):
            self.answer(*forget)
            self.learn("a", "b")
            known = self.learned(name)
            self.assertEqual((known["times"], known["searched"]["whole"]), (1, True))

    def test_from_elsewhere(self) -> None:
        """Where the log does not tell all of a processor, it says so."""
        name = self.learn("a", "b")
        self.let_go()
        for path in self.folder.glob("*.jsonl"):
            path.unlink()
        self.restart()
        self.assertEqual(self.learn("a", "b"), name)
        known = self.learned(name)
        self.assertEqual(
            (known["times"], known["first"], known["searched"]["whole"]), (1, None, False)
        )

    def test_bounded(self) -> None:
        """No more is looked at than was allowed, and what is told says so."""
        self.patch(backwards, "_STEP", 512)
        name = self.learn("a", "b")
        for _ in range(20):
            self.learn("x", "y")
        self.assertEqual(self.learned(name)["times"], 1)
        known = self.learned(name, most=1024)
        self.assertEqual(
            (known["times"], known["first"], known["searched"]["whole"]), (0, None, False)
        )
        self.assertLess(known["searched"]["bytes"], 2048)

    def test_latest(self) -> None:
        """Of many learnings the latest few and the first are told, through all files."""
        self.patch(backwards, "_STEP", 700)
        self.files._most = 3000
        for _ in range(8):
            name = self.learn("a", "b")
        self.assertGreater(len(list(self.folder.glob("*.jsonl"))), 1)
        known = self.learned(name)
        self.assertEqual((known["times"], len(known["latest"])), (8, provenance.LATEST))
        self.assertEqual(of(known["first"]), [("a", 1), ("b", 2)])


class ExplainingTests(ProvenanceCase):
    """What C{explain} tells."""

    def test_learned(self) -> None:
        """An explanation tells when its model was learned."""
        name = self.learn("a", "b")
        self.observe(["a"], ["b"])
        explaining = Explaining(self.worker, self.folder, in_thread=at_once)
        self.worker, worker = explaining, self.worker  # type: ignore[assignment]
        explained = self.answer("explain", {"model_name": name})
        self.worker = worker
        self.assertEqual(of(explained["learned"]["first"]), [("a", 1), ("b", 2)])

    def test_damaged(self) -> None:
        """Where the log cannot be searched, the explanation comes without."""
        name = self.learn("a", "b")
        explaining = Explaining(self.worker, self.folder / "gone", in_thread=at_once)
        self.worker, worker = explaining, self.worker  # type: ignore[assignment]
        self.assertIsNone(self.answer("explain", {"model_name": name})["learned"])
        self.worker = worker
