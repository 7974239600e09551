"""The processors of many services as one list."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato.commands import ListProcessors
from kato.listing import Page, host_and_port, merged

IDS = st.text("abc", min_size=1, max_size=3)
OWNERS = st.dictionaries(IDS, st.sampled_from(["tcp://a:1", "tcp://b:1", "tcp://c:1"]))


def page(service: str, held: set[str], params: ListProcessors, foreign: int) -> Page:
    """What a service with these processors answers."""
    later = sorted(each for each in held if params.after is None or each > params.after)
    ids = later[: params.limit]
    entries = [{"id": each, "models": 1, "events": 2, "service": "local"} for each in ids]
    goes_on = ids[-1] if len(ids) < len(later) else None
    return Page(service, entries, len(held), goes_on, foreign)


class ListingTests(SynchronousTestCase):
    """L{merged}, against all that there is, sorted."""

    @settings(deadline=None, max_examples=200)
    @given(
        OWNERS, st.dictionaries(IDS, st.sampled_from(["tcp://a:1", "tcp://b:1"])), st.integers(1, 4)
    )
    def test_pages(self, owners: dict[str, str], copies: dict[str, str], limit: int) -> None:
        """Page by page, every processor is told once, in order, by its owner, whoever else has a
        copy of it, and the total is their number."""
        services = sorted({*owners.values(), *copies.values()})
        held = {each: {p for p, owner in owners.items() if owner == each} for each in services}
        foreign = dict.fromkeys(services, 0)
        for processor, service in copies.items():
            if processor in owners and processor not in held[service]:
                held[service].add(processor)
                foreign[service] += 1
        found: list[tuple[str, str]] = []
        after: str | None = None
        for _ in range(sum(map(len, held.values())) + 1):
            params = ListProcessors(limit, after)
            fields = merged(
                [page(each, held[each], params, foreign[each]) for each in services],
                params,
                belongs=lambda processor, service: owners[processor] == service,
            )
            self.assertLessEqual(len(fields["processors"]), limit)
            self.assertEqual(fields["total"], len(owners))
            found += [(each["id"], each["service"]) for each in fields["processors"]]
            after = fields["next"]
            if after is None:
                break
        self.assertIsNone(after)
        self.assertEqual(found, sorted((p, host_and_port(s)) for p, s in owners.items()))

    def test_nothing(self) -> None:
        """Without services the list is empty."""
        fields = merged([], ListProcessors(), belongs=lambda processor, service: True)
        self.assertEqual(fields, {"processors": [], "total": 0, "next": None})
