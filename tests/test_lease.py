"""Leases of services, judged without any time that two of them agree on."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato.lease import LEASE, MARGIN, Lease, Sightings

moments = st.floats(0.0, 30.0)


class LeaseTests(SynchronousTestCase):
    """L{Lease} and L{Sightings}."""

    def test_holds(self) -> None:
        """A lease holds from the renewal's question on, until shortly before it may be ended."""
        lease = Lease()
        self.assertFalse(lease.holds(0.0))
        lease.renewed(10.0)
        self.assertTrue(lease.holds(10.0 + LEASE - MARGIN - 0.01))
        self.assertFalse(lease.holds(10.0 + LEASE - MARGIN))
        lease.renewed(9.0)
        self.assertTrue(lease.holds(13.0))
        lease.lost()
        self.assertFalse(lease.holds(10.0))

    def test_silent(self) -> None:
        """Who shows the same beat for too long is silent; who moves is not, nor who is new."""
        sightings = Sightings()
        self.assertEqual(sightings.see({"a": 1, "b": 1}, 0.0), {})
        self.assertEqual(sightings.see({"a": 1, "b": 2, "c": 0}, 3.0), {})
        self.assertEqual(sightings.see({"a": 1, "b": 2, "c": 0}, LEASE), {"a": 1})
        self.assertEqual(sightings.see({"b": 2, "c": 0}, 3.0 + LEASE), {"b": 2, "c": 0})

    def test_cut_off(self) -> None:
        """Who was cut off himself gives the others their time anew."""
        sightings = Sightings()
        sightings.see({"a": 1}, 0.0)
        sightings.begin_anew()
        self.assertEqual(sightings.see({"a": 1}, LEASE), {})

    @settings(deadline=None, max_examples=300)
    @given(st.lists(moments), st.lists(moments), st.floats(0.0, 1.0), st.floats(-100.0, 100.0))
    def test_never_both(
        self, renewals: list[float], looks: list[float], late: float, apart: float
    ) -> None:
        """Whenever somebody is buried, its lease has ended: however renewals and looks fall,
        however late a renewal is written, and however far the two clocks are apart."""
        lease, sightings = Lease(), Sightings()
        happenings = sorted([(each, 1) for each in looks] + [(each + late, 0) for each in renewals])
        beat = 0
        for when, is_look in happenings:
            if is_look:
                if sightings.see({"a": beat}, when + apart):
                    self.assertFalse(lease.holds(when))
                    return
            else:
                beat += 1
                lease.renewed(when - late)
