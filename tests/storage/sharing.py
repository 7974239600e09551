"""What every store must do that several services use at a time: its tests derive from this."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from kato.changes import Deletion
from kato.holdings import Fence, Look, Member, Owner
from kato.storage.shared import MAX_ORPHANS, Fenced, IShared
from tests.storage.samples import answer, changes

A = Member("boot-a", "tcp://a:5555", "a")
B = Member("boot-b", "tcp://b:5555", "b")
C = Member("boot-c", "tcp://c:5555", "c")


class SharingContract(TestCase):
    """The contract of L{IShared}, beyond that of every store."""

    timeout = 600

    store: IShared

    def make_store(self) -> IShared:
        """A store that holds nothing, open."""
        raise NotImplementedError

    def setUp(self) -> None:
        self.store = self.make_store()

    async def join(self, *members: Member) -> None:
        for each in members:
            await self.store.join(each)

    async def claim(self, boot: str, *processors: str) -> Mapping[str, int]:
        """Claim processors, whosever they are at this moment."""
        wanted = {each: await self.store.owner(each) for each in processors}
        return await self.store.claim(boot, wanted)

    async def owner(self, processor: str) -> Owner:
        owner = await self.store.owner(processor)
        assert owner is not None
        return owner

    async def fails(self, done: "Deferred[Any]") -> frozenset[str]:
        """Which processors are fenced."""
        try:
            await done
        except Fenced as error:
            return error.processors
        raise AssertionError("nothing is fenced")

    def test_interface(self) -> None:
        """It provides what it says."""
        self.assertTrue(verifyObject(IShared, self.store))

    # Members

    async def test_members(self) -> None:
        """Who joins is seen, and every renewal lets its beat rise, until it leaves."""
        await self.join(A, B)
        self.assertTrue(await self.store.renew(A.boot, leaving=False))
        look = await self.store.look()
        self.assertEqual({each.member for each in look.members}, {A, B})
        self.assertEqual(set(await self.store.members()), set(look.members))
        first, second = look.find(A.boot), look.find(B.boot)
        assert first is not None and second is not None
        self.assertGreater(first.beat, second.beat)
        await self.store.leave(A.boot)
        look = await self.store.look()
        self.assertEqual([each.member for each in look.members], [B])

    async def test_leaving(self) -> None:
        """Who leaves is still a member, and is given nothing more."""
        await self.join(A, B)
        await self.store.renew(A.boot, leaving=True)
        look = await self.store.look()
        self.assertEqual(len(look.members), 2)
        self.assertEqual(look.staying(), {B.boot: 0})

    async def test_buried(self) -> None:
        """Who is buried can never renew again; who has renewed since is not buried."""
        await self.join(A)
        seen = (await self.store.look()).find(A.boot)
        assert seen is not None
        await self.store.renew(A.boot, leaving=False)
        self.assertFalse(await self.store.bury(A.boot, seen.beat))
        self.assertTrue(await self.store.bury(A.boot, seen.beat + 1))
        self.assertFalse(await self.store.bury(A.boot, seen.beat + 1))
        self.assertFalse(await self.store.renew(A.boot, leaving=False))
        self.assertEqual((await self.store.look()).members, ())

    # Claims

    async def test_claim(self) -> None:
        """A new processor is that of the first who claims it, under an epoch above zero."""
        await self.join(A, B)
        self.assertIsNone(await self.store.owner("p"))
        got = await self.store.claim(A.boot, {"p": None})
        self.assertEqual(list(got), ["p"])
        self.assertGreater(got["p"], 0)
        self.assertEqual(await self.store.claim(B.boot, {"p": None}), {})
        self.assertEqual(await self.owner("p"), Owner("p", A.boot, A.address, got["p"]))
        self.assertEqual(await self.store.owned(A.boot), got)
        self.assertEqual(await self.store.owned(B.boot), {})
        self.assertEqual((await self.store.look()).counts, {A.boot: 1})

    async def test_claimed_at_once(self) -> None:
        """Of several who claim the same at the same time, each processor is got by one."""
        await self.join(A, B, C)
        wanted = {f"p{i}": None for i in range(10)}
        claims = [self.store.claim(each.boot, dict(wanted)) for each in (A, B, C)]
        got = await gatherResults(claims)
        self.assertEqual(sorted(each for one in got for each in one), sorted(wanted))
        epochs = [epoch for one in got for epoch in one.values()]
        self.assertEqual(len(set(epochs)), len(epochs))

    async def test_living_owner(self) -> None:
        """What belongs to a member is not got, whatever is known of it."""
        await self.join(A, B)
        await self.claim(A.boot, "p")
        self.assertEqual(await self.claim(B.boot, "p"), {})

    async def test_orphans(self) -> None:
        """What belonged to who is no member any more is seen, and claimed once, under a higher
        epoch."""
        await self.join(A, B, C)
        got = await self.claim(A.boot, "p", "q")
        self.assertEqual((await self.store.look()).orphans, ())
        await self.store.leave(A.boot)
        look = await self.store.look()
        self.assertEqual([each.processor for each in look.orphans], ["p", "q"])
        orphans = {each.processor: each for each in look.orphans}
        taken = await self.store.claim(B.boot, {"p": orphans["p"]})
        self.assertGreater(taken["p"], max(got.values()))
        again = await self.store.claim(C.boot, dict(orphans))
        self.assertEqual(list(again), ["q"])
        self.assertEqual((await self.store.look()).counts, {B.boot: 1, C.boot: 1})

    async def test_dead_claim_nothing(self) -> None:
        """Who is no member gets nothing."""
        await self.join(A)
        await self.store.leave(A.boot)
        self.assertEqual(await self.store.claim(A.boot, {"p": None}), {})

    async def test_stored_before(self) -> None:
        """What is stored and never had an owner is nobody's, and seen when somebody joins."""
        await self.store.commit([changes("p")])
        self.assertEqual(await self.store.owner("p"), Owner("p", None, "", 0))
        await self.join(A)
        look = await self.store.look()
        self.assertEqual(look.orphans, (Owner("p", None, "", 0),))
        await self.store.commit([changes("q")])
        got = await self.claim(A.boot, "p", "q")
        self.assertEqual(sorted(got), ["p", "q"])

    async def test_many_orphans(self) -> None:
        """Orphans are told so many at a time, the first ones first."""
        await self.join(A)
        names = [f"p{i:05}" for i in range(MAX_ORPHANS + 5)]
        await self.store.claim(A.boot, dict.fromkeys(names))
        await self.store.leave(A.boot)
        look = await self.store.look()
        self.assertEqual([each.processor for each in look.orphans], names[:MAX_ORPHANS])

    async def test_many_members(self) -> None:
        """What each of many members owns is seen, that of the dead as well."""
        many = [Member(f"boot-{i:03}", f"tcp://s{i}:5555", f"s{i}") for i in range(110)]
        await gatherResults([self.store.join(each) for each in many])
        for each in many:
            await self.store.claim(each.boot, {f"p-{each.name}": None})
        await self.store.leave(many[0].boot)
        counts = (await self.store.look()).counts
        self.assertEqual(counts, {each.boot: 1 for each in many})

    # Handing over

    async def test_hand_over(self) -> None:
        """What is handed over belongs to the other under a higher epoch, and only once."""
        await self.join(A, B)
        got = await self.claim(A.boot, "p", "q")
        given = await self.store.hand_over(Fence(A.boot, got), B.boot)
        self.assertEqual(sorted(given), ["p", "q"])
        for processor, owner in given.items():
            self.assertEqual((owner.boot, owner.address), (B.boot, B.address))
            self.assertGreater(owner.epoch, max(got.values()))
            self.assertEqual(await self.owner(processor), owner)
        self.assertEqual(await self.store.hand_over(Fence(A.boot, got), B.boot), {})

    async def test_hand_over_to_nobody(self) -> None:
        """What is given to nobody is an orphan."""
        await self.join(A)
        got = await self.claim(A.boot, "p")
        given = await self.store.hand_over(Fence(A.boot, got), None)
        self.assertIsNone(given["p"].boot)
        self.assertEqual((await self.store.look()).orphans, (given["p"],))

    async def test_hand_over_to_the_dead(self) -> None:
        """Nothing is given to who is no member."""
        await self.join(A)
        got = await self.claim(A.boot, "p")
        self.assertEqual(await self.store.hand_over(Fence(A.boot, got), B.boot), {})
        self.assertEqual((await self.owner("p")).boot, A.boot)

    async def test_anew(self) -> None:
        """Who gives to himself has it under a new epoch, and what came under the old one is
        fenced."""
        await self.join(A)
        got = await self.claim(A.boot, "p")
        given = await self.store.hand_over(Fence(A.boot, got), A.boot)
        self.assertGreater(given["p"].epoch, got["p"])
        await self.fails(self.store.commit_under([changes("p")], Fence(A.boot, got)))

    async def test_disown(self) -> None:
        """A processor that was never stored is forgotten, one that was is not."""
        await self.join(A)
        got = await self.claim(A.boot, "p", "q")
        await self.store.commit_under([changes("p")], Fence(A.boot, got))
        await self.store.disown(Fence(A.boot, got))
        self.assertEqual((await self.owner("p")).boot, A.boot)
        self.assertIsNone(await self.store.owner("q"))
        again = await self.claim(A.boot, "q")
        await self.store.disown(Fence(A.boot, got))
        self.assertEqual((await self.owner("q")).epoch, again["q"])

    # Commits

    async def test_commit(self) -> None:
        """The owner writes under its epoch, and nobody else does: nothing of it is kept then."""
        await self.join(A, B)
        got = await self.claim(A.boot, "p", "q")
        await self.store.commit_under([changes("p")], Fence(A.boot, got))
        await self.store.hand_over(Fence(A.boot, {"q": got["q"]}), B.boot)
        both = [changes("p"), changes("q")]
        self.assertEqual(await self.fails(self.store.commit_under(both, Fence(A.boot, got))), {"q"})
        self.assertEqual(await self.store.processors(), ["p"])
        await self.fails(self.store.commit_under([changes("q")], Fence(B.boot, got)))

    async def test_commit_of_the_dead(self) -> None:
        """Who is no member any more writes what nobody has taken since, and nothing else."""
        await self.join(A, B)
        got = await self.claim(A.boot, "p", "q")
        await self.store.leave(A.boot)
        await self.claim(B.boot, "p")
        await self.store.commit_under([changes("q")], Fence(A.boot, got))
        await self.fails(self.store.commit_under([changes("p")], Fence(A.boot, got)))

    async def test_no_creation(self) -> None:
        """What has no owner is not written."""
        await self.join(A)
        await self.fails(self.store.commit_under([changes("p")], Fence(A.boot, {"p": 1})))
        self.assertEqual(await self.store.processors(), [])

    async def test_deletion(self) -> None:
        """A deleted processor has no owner; made again, its epoch is higher than ever."""
        await self.join(A, B)
        got = await self.claim(A.boot, "p")
        fence = Fence(A.boot, got)
        await self.store.commit_under([changes("p")], fence)
        await self.store.commit_under([Deletion("p", answer(0, "r"))], fence)
        self.assertIsNone(await self.store.owner("p"))
        self.assertEqual((await self.store.look()).counts, {})
        await self.fails(self.store.commit_under([changes("p")], fence))
        again = await self.store.claim(B.boot, {"p": None})
        self.assertGreater(again["p"], got["p"])

    async def test_remembered_deletions(self) -> None:
        """The answer to a deletion is found by its processor and its request, whichever service
        remembered it, and whatever number that gave it."""
        await self.join(A, B)
        got = {**await self.claim(A.boot, "p"), **await self.claim(B.boot, "q")}
        for boot, processor in ((A.boot, "p"), (B.boot, "q")):
            fence = Fence(boot, {processor: got[processor]})
            deletion = Deletion(processor, replace(answer(0, "r"), interval=got[processor]))
            await self.store.commit_under([changes(processor)], fence)
            await self.store.commit_under([deletion], fence)
        for processor, epoch in got.items():
            found = await self.store.deletion(processor, "r")
            assert found is not None
            self.assertEqual(found.interval, epoch)
        self.assertIsNone(await self.store.deletion("p", "other"))

    async def test_nothing(self) -> None:
        """An empty store has no members and no processors."""
        self.assertEqual(await self.store.look(), Look((), {}, ()))
        self.assertIsNone(await self.store.deletion("p", "r"))
