"""Documents read and validated, as far as that is cheap (docs/graphql.md)."""

from collections import Counter, OrderedDict

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    Visitor,
    parse,
    validate,
    visit,
)

from kato.errors import bare
from kato.protocols.graphql.schema import make_schema

MAX_LENGTH = 65_536
"""How many characters a document may have."""

MAX_TOKENS = 2_000
"""How many words and signs it may consist of."""

MAX_PAIRS = 10_000
"""How many pairs of fields may have the same name in an answer: so many are compared at worst."""

MAX_ERRORS = 10
"""After so many faults no more are looked for."""

REMEMBERED = 64
"""How many documents are known, the last ones that were used; each takes up to 700 KiB."""


class Malformed(Exception):
    """A document that cannot be executed, with all that is wrong."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__(errors[0].message)
        self.errors = errors


def read(text: str) -> DocumentNode:
    """Read a document, and see that it fits the schema.

    @raise Malformed: where it does not, or is too long.
    """
    document = _parsed(text)
    pairs = _pairs(document)
    if pairs > MAX_PAIRS:
        raise Malformed([GraphQLError(f"query: {pairs:,} pairs of fields have the same name")])
    errors = validate(make_schema(), document, max_errors=MAX_ERRORS)
    if errors:
        raise Malformed(errors)
    return document


def tried(text: str) -> DocumentNode | Malformed:
    """As L{read}, for a thread: what is raised through its frames would stay there for a while,
    with the text."""
    try:
        return read(text)
    except Malformed as malformed:
        return bare(malformed)


def _parsed(text: str) -> DocumentNode:
    try:
        return parse(
            text,
            max_lexical_tokens=MAX_TOKENS,
            max_comments=MAX_TOKENS,
            max_source_length=MAX_LENGTH,
        )
    except GraphQLError as error:
        raise Malformed([bare(error)]) from None


class _Names(Visitor):
    """Counts the names that fields have in the answer."""

    def __init__(self) -> None:
        super().__init__()
        self.counted: Counter[str] = Counter()

    def enter_field(self, node: FieldNode, *_: object) -> None:
        self.counted[(node.alias or node.name).value] += 1


def _pairs(document: DocumentNode) -> int:
    """How many pairs of fields have the same name.

    That fields of one name can be one in the answer is validated by pairs: a thousand times the
    same field would take seconds.
    """
    names = _Names()
    visit(document, names)
    return sum(each * (each - 1) // 2 for each in names.counted.values())


class Documents:
    """Those that were read last."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, DocumentNode] = OrderedDict()

    def find(self, text: str) -> DocumentNode | None:
        """A document that was read already."""
        document = self._known.get(text)
        if document is not None:
            self._known.move_to_end(text)
        return document

    def keep(self, text: str, document: DocumentNode) -> None:
        """Remember one, in the place of that which was not used for longest."""
        self._known[text] = document
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
