"""Files of JSON, an observation a line (docs/cli.md).  Pure."""

from collections.abc import Iterable, Iterator

from kato.cli.documents import Unfit, decoded, observation
from kato.cli.items import Bad, Broken, End, Item, Seen, lines_of


def json_items(file: Iterable[bytes]) -> Iterator[Item]:
    """What a file says: observations, or lists of their strings; C{{"learn": true}} and an empty
    line end a sequence."""
    try:
        for number, line in enumerate(lines_of(file), 1):
            yield _item(number, line)
    except Broken as error:
        yield error.bad


def _item(number: int, line: str) -> Item:
    if not line.strip():
        return End()
    try:
        value = decoded(line)
        return End() if value == {"learn": True} else Seen(number, observation(value))
    except Unfit as error:
        return Bad(number, str(error))
