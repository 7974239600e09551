"""Which lines of logs still hold."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from kato.audit.history import History, Life, Plan, Turn


def op(revision: int, processor: str = "p", **more: Any) -> dict[str, Any]:
    """A line that tells of an operation."""
    return {
        "time": 1.0,
        "operation": "observe",
        "params": {},
        "processor": processor,
        "revision": revision,
        **more,
    }


def created(revision: int = 1, **more: Any) -> dict[str, Any]:
    """A line that creates a processor."""
    return op(revision, created={}, **more)


def deleted(revision: int, **more: Any) -> dict[str, Any]:
    """A line that deletes one."""
    return op(revision, operation="delete_processor", **more)


def restored(revision: int | None, **more: Any) -> dict[str, Any]:
    """A line that says where a processor was found."""
    return {"time": 1.0, "event": "restored", "processor": "p", "revision": revision, **more}


class HistoryTests(SynchronousTestCase):
    """What is to be carried out of some logs, in which order."""

    def lives(self, *logs: list[dict[str, Any]]) -> dict[str, Life]:
        history = History()
        for log, lines in enumerate(logs):
            for number, told in enumerate(lines):
                history.add(log, number, told)
        return history.lives()

    def carried_out(self, *logs: list[dict[str, Any]]) -> list[tuple[int, int]]:
        """The lines of all logs that hold, by log and place, in their order."""
        lives = self.lives(*logs)
        self.assertEqual([life.gap for life in lives.values()], [None] * len(lives))
        plan = Plan(lives)
        rest = [list(enumerate(lines)) for lines in logs]
        done: list[tuple[int, int]] = []
        moved = True
        while moved:
            moved = False
            for log, lines in enumerate(rest):
                while lines and (turn := plan.turn(log, *lines[0])) is not Turn.LATER:
                    number, _ = lines.pop(0)
                    moved = True
                    if turn is Turn.NOW:
                        done.append((log, number))
        self.assertEqual((plan.undone, any(rest)), ([], False))
        return done

    def assertHold(self, lines: list[dict[str, Any]], *places: int) -> None:
        self.assertEqual(self.carried_out(lines), [(0, place) for place in places])

    def test_plain(self) -> None:
        """All that was done holds; what was read, and what others say, does not matter."""
        lines = [created(), op(2), op(2, read=True), {"time": 1.0, "event": "opened"}, op(3)]
        self.assertHold(lines, 0, 1, 4)

    def test_restored(self) -> None:
        """What came after the revision to which a processor was restored is void."""
        self.assertHold([created(), op(2), op(3), restored(2), op(3), op(4)], 0, 1, 4, 5)
        self.assertHold([created(), op(2), op(3), restored(2), op(3), restored(1), op(2)], 0, 6)
        self.assertHold([created(), op(2), restored(2), op(3)], 0, 1, 3)

    def test_never_stored(self) -> None:
        """A processor that was not there after all has never been."""
        self.assertHold([created(), op(2), restored(None)])
        self.assertHold([created(), op(2), restored(None), created(), op(2)], 3, 4)

    def test_deleted(self) -> None:
        """Of a processor that was deleted nothing is carried out, but of its successor."""
        self.assertHold([created(), op(2), deleted(3)])
        self.assertHold([created(), op(2), deleted(3), created(), op(2)], 3, 4)

    def test_deletion_failed(self) -> None:
        """A deletion that was not stored is void, and so is a successor, whose revisions went
        on."""
        self.assertHold([created(), op(2), deleted(3), restored(2), op(3)], 0, 1, 4)
        lines = [created(), op(2), deleted(3), created(4), op(5)]
        self.assertHold([*lines, restored(1), op(2)], 0, 6)
        self.assertHold([*lines, restored(4), op(5)], 3, 6)

    def test_moved(self) -> None:
        """Logs of several services are joined by the epochs under which they had it."""
        one = [
            *[created(epoch=1), op(2, epoch=1), op(3, epoch=1)],
            *[restored(5, epoch=3), op(6, epoch=3)],
        ]
        two = [restored(2, epoch=2), op(3, epoch=2), op(4, epoch=2), op(5, epoch=2)]
        done = [(0, 0), (0, 1), (1, 1), (1, 2), (1, 3), (0, 4)]
        self.assertEqual(self.carried_out(one, two), done)
        swapped = [(1 - log, place) for log, place in done]
        self.assertEqual(self.carried_out(two, one), swapped)

    def test_followed(self) -> None:
        """A log that follows another goes on with what that tells, by their times."""
        later = [restored(2, time=2.0), op(3, time=2.0)]
        done = [(1, 0), (1, 1), (0, 1)]
        self.assertEqual(self.carried_out(later, [created(), op(2), op(3)]), done)

    def test_gap(self) -> None:
        """What cannot be traced is told, with the line from which on."""
        for lines, place, why in (
            ([restored(4), op(5)], 0, "it was at revision 4 already, by what no line tells"),
            ([created(), op(3)], 1, "revision 3 follows revision 1"),
            ([op(3)], 0, "revision 3 follows nothing that was there"),
            ([created(), created()], 1, "revision 1 follows revision 1"),
            ([created(), restored(5)], 1, "it was at revision 5 already, by what no line tells"),
        ):
            self.assertEqual(self.lives(lines)["p"].gap, (0, place, why))

    def test_gap_is_past(self) -> None:
        """What is missing of a processor that was deleted does not matter."""
        self.assertHold([restored(4), deleted(5), created(), op(2)], 2, 3)

    def test_processors(self) -> None:
        """Processors do not wait for each other."""
        lines = [created(), created(processor="q"), op(2), op(2, "q")]
        self.assertHold(lines, 0, 1, 2, 3)
