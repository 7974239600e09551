"""How much the answers to documents may hold, counted while they are made
(docs/decisions/limits.md).

What a document asks for is bounded by its cost, which knows nothing of how long the lists turn out
to be.  So what comes is counted when it comes, and what is told of it when it is told, which may be
more: the same list may be told under many names.
"""

from collections.abc import Callable
from dataclasses import replace
from threading import Lock
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

from twisted.internet.defer import DeferredSemaphore

from kato.commands import OPERATIONS, Command, Reply
from kato.errors import KatoError, PayloadTooLarge, TooManyRequests, bare
from kato.protocols.graphql.answers import Answer
from kato.protocols.graphql.sizes import Known, size_of, size_of_list

BRIEF = 256
"""What comes and counts no more than this is always taken, however much there is already: there are
as many answers as the document's cost allows,"""

SHORT = 16
"""and a field that counts no more than this is always told, unless in an entry of a list: of these
there are ten times as many."""

FEW = 2_000
"""A document whose answer counts no more than this is answered, whatever its client has beside."""


ERROR = 40
"""What an error counts that is told: it is always told, but takes room like others."""

DOCUMENTS = 8
"""How many long documents of one client are carried out at a time: read, one takes ten times its
length."""

OVERDRAWN = 4
"""By what part of his share a client may have more, in errors and what is brief: then he is told
one error for all of a document."""

AT_A_TIME = 16
"""How many answers that may be long are under way at a time for one client."""

_BRIEF = frozenset(
    {
        "ping",
        "get_status",
        "get_gene",
        "get_genes",
        "change_gene",
        "change_genes",
        "create_processor",
        "delete_processor",
        "learn",
        "clear_short_term_memory",
        "clear_all_memory",
    }
)
"""The operations whose answers are never long."""


def is_brief(command: Command) -> bool:
    """Whether an answer is never long."""
    return command.operation in _BRIEF or getattr(command.params, "brief", False)


class Measured(NamedTuple):
    """What each field of a reply counts, and the long lists in it."""

    sizes: dict[str, int]
    lists: Known

    @classmethod
    def of(cls, reply: Reply) -> "Measured":
        """Measure a reply; takes as long as it is."""
        lists: Known = {}
        return cls({key: size_of(each, lists) for key, each in reply.fields.items()}, lists)


class Told:
    """Counts what is told while a document is executed."""

    __slots__ = ("_check", "_free", "_known", "size")

    def __init__(self, check: Callable[[int], None], known: Known | None = None) -> None:
        """
        @param check: raises L{KatoError} where an answer may not count so much.
        @param known: what long lists count.
        """
        self._check = check
        self._known = known or {}
        self._free = FEW
        self.size = 0

    def add(self, size: int, *, brief: int = SHORT) -> None:
        """Tell more; what does not fit is not told, and shorter things after it may be.

        @param brief: what counts no more is told in any case.
        @raise KatoError: where it is too much.
        """
        told = self.size + size
        if told > self._free and size > brief:
            self._check(told)
            self._free = told + FEW  # so much more may be told before it is looked at again
        self.size = told

    def add_list(self, values: Any) -> None:
        """Tell a list as it is: of strings, numbers, or lists of them."""
        if not values:
            self.size += 1
            return
        self.add(self._known.get(id(values)) or size_of_list(values))


class Client:
    """What all answers to one client hold, and how many long ones are asked for, by how many long
    documents."""

    __slots__ = ("__weakref__", "at_a_time", "documents", "held")

    def __init__(self) -> None:
        self.held = 0
        self.at_a_time = DeferredSemaphore(AT_A_TIME)
        self.documents = DeferredSemaphore(DOCUMENTS)


class Room:
    """What the answers that are under way hold, of all clients together.

    Each client has half of what the others leave, however many documents he sends, and a document
    no more than a client who is alone.
    """

    def __init__(self, most: int) -> None:
        """@param most: how many values the answer to a document may hold."""
        self.most = most
        self.held = 0
        self._clients: WeakValueDictionary[str, Client] = WeakValueDictionary()
        self._lock = Lock()

    def client(self, whose: str) -> Client:
        """The client of a name or an address; all his documents have the same."""
        client = self._clients.get(whose)
        if client is None:
            client = self._clients[whose] = Client()
        return client

    def share(self, client: Client) -> int:
        """How much a client may have; nothing where others have all, as they may for a moment in
        errors and what is brief."""
        return max(0, self.most - (self.held - client.held) // 2)

    def keep(self, size: int, client: Client) -> None:
        """Keep so much more of a client's, or less; from any thread."""
        with self._lock:
            self.held += size
            client.held += size


class Holding:
    """What the answer to one document holds: what came for it, or what is told where that is
    more."""

    def __init__(self, room: Room, whose: str) -> None:
        """@param whose: for whom it counts."""
        self._room = room
        self._client = room.client(whose)
        self.at_a_time = self._client.at_a_time
        """How much of what may be long is asked for at a time, in all documents of the client:
        nobody knows how long it is before it has come."""
        self._came = 0
        self._kept = 0
        self._known: Known = {}

    def refusal(self) -> KatoError | None:
        """Why nothing more may be asked for, if that is so: the client has his share.  A document
        that has all it may have goes on: changes after that are told in brief."""
        if self._came <= FEW:
            return None
        try:
            self._check(min(self._came, self._room.most))
        except KatoError as error:
            return bare(error)
        return None

    def take(self, command: Command, reply: Reply, measured: Measured) -> Answer:
        """Keep what came, if there is room; else the error stands for it.  What was changed is
        changed: then it stands only where the reply is long."""
        size = sum(measured.sizes.values())
        try:
            if size > BRIEF:
                self._check(self._came + size)
        except KatoError as refused:
            error = bare(refused)
            if not OPERATIONS[command.operation].changes:
                return error
            brief = {key: each for key, each in measured.sizes.items() if each <= BRIEF}
            self._take(sum(brief.values()))
            return _shortened(reply, frozenset(brief), error)
        self._known.update(measured.lists)
        self._take(size)
        return reply

    def _take(self, size: int) -> None:
        self._came += size
        self._keep(max(self._kept, self._came))

    def _check(self, size: int) -> None:
        """See that this answer may count so much."""
        check_length(size, self._room.most)
        others = self._client.held - self._kept
        share = self._room.share(self._client)
        if size > FEW and others + size > share:
            raise _over(others + size, share)

    def tell(self, *, changes: bool) -> Told:
        """Begin to tell.

        @param changes: whether it must be told what was done, once something was.
        @raise TooManyRequests: where the client has so much already that not even errors are told.
        """
        others, share = self._client.held - self._kept, self._room.share(self._client)
        if others > max(FEW, share + share // OVERDRAWN) and not (changes and self._came):
            raise _over(others, share)
        return Told(self._check, self._known)

    def told(self, told: Told, errors: int) -> None:
        """So much was told, and so many errors, be it that more will be; from any thread."""
        self._keep(max(self._came, told.size) + errors * ERROR)

    def release(self) -> None:
        """The answer is not kept any more."""
        self._keep(0)

    def _keep(self, size: int) -> None:
        if size != self._kept:
            self._room.keep(size - self._kept, self._client)
            self._kept = size


def check_length(size: int, most: int) -> None:
    """See that an answer does not count more.

    @raise PayloadTooLarge: where it does.
    """
    if size > most:
        raise PayloadTooLarge(f"answer: {size:,} values or more are over the limit of {most:,}")


def _over(size: int, share: int) -> TooManyRequests:
    return TooManyRequests(
        f"answer: {size:,} values in all answers to this client are over its share of {share:,}",
        retry_after=1,
    )


def _shortened(reply: Reply, brief: frozenset[str], error: KatoError) -> Reply:
    """A reply that tells why the rest of it is missing, where somebody looks there."""
    fields = {key: each if key in brief else error for key, each in reply.fields.items()}
    return replace(reply, fields=fields)
