"""Bad input on the whole system: each is named, and nothing happens (SPEC 1 and 8)."""

from twisted.trial.unittest import SynchronousTestCase

from tests.rest.malformed import MALFORMED
from tests.rest.system import System
from tests.rest.talking import post, request


class MalformedTests(SynchronousTestCase):
    """The table of malformed requests, one after the other, on a processor that has a state."""

    def setUp(self) -> None:
        self.system = System()
        self.successResultOf(self.system.start)
        for raw in [
            request("PUT", "/p1", b'{"genes": {"persistence": 7}}'),
            post(
                "/p1/observe", {"strings": ["a", "b"], "vectors": [[1.0]], "emotives": {"joy": 1}}
            ),
            post("/p1/observe", {"strings": ["c"]}),
            post("/p1/learn"),
            post("/p1/observe", {"strings": ["a"], "unique_id": "mine", "metadata": {"k": [1]}}),
        ]:
            [answer] = self.system.ask(raw)
            self.assertLess(answer.status, 300, answer)

    def test_enough(self) -> None:
        """There are more than 150 of them, no two the same."""
        self.assertGreater(len(MALFORMED), 150)
        self.assertEqual(len({case.raw for case in MALFORMED}), len(MALFORMED))

    def test_each_is_named_and_nothing_happens(self) -> None:
        """Each is answered in JSON with its status, its code and the field at fault; after all of
        them everything is as it was before, and no defect was logged."""
        before = self.system.state()
        for case in MALFORMED:
            answers = self.system.ask(case.raw)
            self.assertEqual(len(answers), 1, case.title)
            answer = answers[0]
            got = answer.json
            self.assertEqual(answer.status, case.status, (case.title, got))
            self.assertEqual(answer.headers["content-type"], "application/json")
            self.assertEqual((got["status"], got["error_code"]), ("error", case.error_code))
            self.assertIn(case.names, got["message"], case.title)
            self.assertIn("time_stamp", got)
        self.assertEqual(self.system.state(), before)
        self.assertEqual(self.flushLoggedErrors(), [])
