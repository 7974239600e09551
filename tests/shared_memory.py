"""A store in memory that several workers share, with the promises of one in MongoDB."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

from twisted.internet.defer import Deferred, execute, succeed
from zope.interface import implementer

from kato.changes import Changes, Deletion, Remembered, Snapshot
from kato.holdings import Fence, Look, Member, Owner, Present
from kato.storage.memory import MemoryStore
from kato.storage.shared import MAX_ORPHANS, Fenced, IShared


@implementer(IShared)
class SharedMemory:
    """Provides L{IShared}: all is done at once."""

    def __init__(self) -> None:
        self.inner = MemoryStore()
        self.present: dict[str, Present] = {}
        self.owners: dict[str, Owner] = {}
        self.answers: dict[tuple[str, str], Remembered] = {}
        self._epochs = count(1)

    def open(self) -> None:
        self.inner.open()

    def processors(self) -> "Deferred[Sequence[str]]":
        return self.inner.processors()

    def load(self, processor: str, restore: Callable[[Snapshot], Any]) -> "Deferred[Any]":
        return self.inner.load(processor, restore)

    def deletions(self) -> "Deferred[Sequence[Deletion]]":
        return self.inner.deletions()

    def deletion(self, processor: str, key: str) -> "Deferred[Remembered | None]":
        return succeed(self.answers.get((processor, key)))

    def commit(self, changes: Sequence[Changes | Deletion]) -> "Deferred[None]":
        return self.inner.commit(changes)

    def keep_index(self, processor: str, index: bytes) -> "Deferred[bool]":
        return self.inner.keep_index(processor, index)

    def statistics(self) -> dict[str, Any]:
        return self.inner.statistics()

    def close(self) -> "Deferred[None]":
        return self.inner.close()

    # Members

    def join(self, member: Member) -> "Deferred[None]":
        self.present[member.boot] = Present(member, 0)
        return self.inner.processors().addCallback(self._adopt)

    def _adopt(self, stored: Sequence[str]) -> None:
        for processor in stored:
            self.owners.setdefault(processor, Owner(processor, None, "", 0))

    def renew(self, boot: str, *, leaving: bool) -> "Deferred[bool]":
        present = self.present.get(boot)
        if present is None:
            return succeed(False)
        self.present[boot] = replace(present, beat=present.beat + 1, leaving=leaving)
        return succeed(True)

    def bury(self, boot: str, beat: int) -> "Deferred[bool]":
        present = self.present.get(boot)
        if present is None or present.beat != beat:
            return succeed(False)
        del self.present[boot]
        return succeed(True)

    def leave(self, boot: str) -> "Deferred[None]":
        self.present.pop(boot, None)
        return succeed(None)

    def members_now(self) -> tuple[Present, ...]:
        return tuple(self.present.values())

    def members(self) -> "Deferred[tuple[Present, ...]]":
        return succeed(self.members_now())

    # Owners

    def look(self) -> "Deferred[Look]":
        counts = Counter(each.boot for each in self.owners.values() if each.boot is not None)
        orphans = [each for _, each in sorted(self.owners.items()) if self._is_orphan(each)]
        return succeed(Look(self.members_now(), counts, tuple(orphans[:MAX_ORPHANS])))

    def _is_orphan(self, owner: Owner) -> bool:
        return owner.boot is None or owner.boot not in self.present

    def owner(self, processor: str) -> "Deferred[Owner | None]":
        return self.inner.processors().addCallback(self._owner, processor)

    def _owner(self, stored: Sequence[str], processor: str) -> Owner | None:
        unowned = Owner(processor, None, "", 0) if processor in stored else None
        return self.owners.get(processor, unowned)

    def owned(self, boot: str) -> "Deferred[Mapping[str, int]]":
        owned = {each.processor: each.epoch for each in self.owners.values() if each.boot == boot}
        return succeed(owned)

    def claim(self, boot: str, wanted: Mapping[str, Owner | None]) -> "Deferred[Mapping[str, int]]":
        return execute(self._claim, boot, wanted)

    def _claim(self, boot: str, wanted: Mapping[str, Owner | None]) -> Mapping[str, int]:
        got = {}
        for processor, known in wanted.items():
            owner = self.owners.get(processor)
            unknown = known is None or known.epoch == 0
            as_known = owner == known or (unknown and (owner is None or owner.epoch == 0))
            if as_known and (owner is None or self._is_orphan(owner)) and boot in self.present:
                got[processor] = self._give(processor, boot).epoch
        return got

    def _give(self, processor: str, boot: str | None) -> Owner:
        address = "" if boot is None else self.present[boot].member.address
        owner = self.owners[processor] = Owner(processor, boot, address, next(self._epochs))
        return owner

    def hand_over(self, fence: Fence, to: str | None) -> "Deferred[Mapping[str, Owner]]":
        if to is not None and to not in self.present:
            return succeed({})
        return succeed(
            {each: self._give(each, to) for each in fence.epochs if self._has(fence, each)}
        )

    def _has(self, fence: Fence, processor: str) -> bool:
        owner = self.owners.get(processor)
        return owner is not None and (owner.boot, owner.epoch) == (
            fence.boot,
            fence.epochs.get(processor),
        )

    def disown(self, fence: Fence) -> "Deferred[None]":
        return self.inner.processors().addCallback(self._disown, fence)

    def _disown(self, stored: Sequence[str], fence: Fence) -> None:
        for processor in fence.epochs:
            if self._has(fence, processor) and processor not in stored:
                del self.owners[processor]

    def commit_under(self, changes: Sequence[Changes | Deletion], fence: Fence) -> "Deferred[None]":
        return execute(self._commit_under, changes, fence)

    def _commit_under(self, changes: Sequence[Changes | Deletion], fence: Fence) -> None:
        self.judge(changes, fence)
        self.inner.commit(changes)
        self.end_tenures(changes)

    def judge(self, changes: Sequence[Changes | Deletion], fence: Fence) -> None:
        """See that all belongs to who writes."""
        foreign = {each.processor for each in changes if not self._has(fence, each.processor)}
        if foreign:
            raise Fenced(frozenset(foreign))

    def end_tenures(self, changes: Sequence[Changes | Deletion]) -> None:
        """What is deleted has no owner any more."""
        for each in changes:
            if isinstance(each, Deletion):
                del self.owners[each.processor]
                if each.request is not None:
                    self.answers[each.processor, each.request.key] = each.request
