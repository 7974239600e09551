"""Who owns which processor, as a store keeps it: at once, and without looking at all of them.

It keeps the promises of L{kato.storage.shared.IShared} as far as owners go; tests compare it with
the store in memory that the contract suite holds to them.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping
from itertools import count

from kato.holdings import Fence, Look, Member, Owner, Present
from kato.shares import assigned
from kato.storage.shared import MAX_ORPHANS


class Table:
    """Members, and owners."""

    def __init__(self, *, window: int = MAX_ORPHANS) -> None:
        """@param window: how many orphans are told at a time."""
        self._window = window
        self.members: dict[str, Present] = {}
        self.owners: dict[str, Owner] = {}
        self.orphans: list[str] = []
        """What belongs to no member, sorted."""
        self.moved = 0
        """How many processors have got another owner."""
        self.loosest = 0
        """The most orphans that there were at a time."""
        self._addresses: dict[str | None, str] = {None: ""}
        self._owned: dict[str, dict[str, int]] = {}
        self._epochs = count(1)

    def fill(self, processors: Iterable[str], boots: list[str]) -> Mapping[str, Mapping[str, int]]:
        """Begin with what services have taken that all began at the same time; gives who has
        what."""
        for boot, share in assigned(processors, dict.fromkeys(boots, 0)).items():
            for processor in share:
                self._own(processor, boot)
        self.moved = 0
        return self._owned

    def address(self, boot: str, address: str) -> None:
        """Say where a boot is reached that has processors before it is a member."""
        self._addresses[boot] = address

    # Members

    def join(self, member: Member) -> None:
        """There is one more."""
        self.members[member.boot] = Present(member, 0)
        self._addresses[member.boot] = member.address

    def renew(self, boot: str, leaving: bool) -> bool:
        """Let a beat rise; C{False}: it is no member."""
        present = self.members.get(boot)
        if present is None:
            return False
        self.members[boot] = Present(present.member, present.beat + 1, leaving)
        return True

    def bury(self, boot: str, beat: int) -> bool:
        """End a member, if its beat is this one."""
        present = self.members.get(boot)
        if present is None or present.beat != beat:
            return False
        self.leave(boot)
        return True

    def leave(self, boot: str) -> None:
        """End a member."""
        if self.members.pop(boot, None) is None:
            return
        self.orphans = sorted([*self.orphans, *self._owned.get(boot, ())])
        self.loosest = max(self.loosest, len(self.orphans))

    # Seeing

    def seen(self) -> tuple[Present, ...]:
        """See the members."""
        return tuple(self.members.values())

    def look(self) -> Look:
        """See all, as far as one may."""
        counts = {boot: len(owned) for boot, owned in self._owned.items() if owned}
        orphans = tuple(map(self.owners.__getitem__, self.orphans[: self._window]))
        return Look(self.seen(), counts, orphans)

    def owned(self, boot: str) -> Mapping[str, int]:
        """What a boot owns, with epochs."""
        return dict(self._owned.get(boot, {}))

    # Changing owners

    def claim(self, boot: str, wanted: Mapping[str, Owner | None]) -> Mapping[str, int]:
        """Own what nobody does who lives."""
        if boot not in self.members:
            return {}
        free = [each for each, known in wanted.items() if self._is_free(each, known)]
        return {each: self._own(each, boot) for each in free}

    def _is_free(self, processor: str, known: Owner | None) -> bool:
        owner = self.owners.get(processor)
        as_known = (owner.epoch if owner else 0) == (known.epoch if known else 0)
        return as_known and (owner is None or owner.boot not in self.members)

    def hand_over(self, fence: Fence, to: str | None) -> Mapping[str, Owner]:
        """Give what is still the giver's."""
        if to is not None and to not in self.members:
            return {}
        mine = self._owned.get(fence.boot, {})
        still = [each for each, epoch in fence.epochs.items() if mine.get(each) == epoch]
        for each in still:
            self._own(each, to)
        return {each: self.owners[each] for each in still}

    def _own(self, processor: str, boot: str | None) -> int:
        before = self.owners.get(processor)
        if before is not None and before.boot is not None:
            del self._owned[before.boot][processor]
        if before is not None and before.boot not in self.members:
            place = bisect_left(self.orphans, processor)
            if self.orphans[place : place + 1] == [processor]:
                del self.orphans[place]
        epoch = next(self._epochs)
        self.owners[processor] = Owner(processor, boot, self._addresses.get(boot, ""), epoch)
        if boot is None:
            insort(self.orphans, processor)
        else:
            self._owned.setdefault(boot, {})[processor] = epoch
        self.moved += before is None or before.boot != boot
        return epoch
