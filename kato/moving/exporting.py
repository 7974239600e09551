"""From a store into a file."""

from collections.abc import Sequence

from kato.moving.trouble import Trouble
from kato.moving.writing import Writer, Written
from kato.storage import IStore


async def export(store: IStore, writer: Writer, *, chosen: Sequence[str]) -> Written:
    """Write processors as they are, each at one moment, and what is remembered of deletions.

    @param chosen: which processors; all of them, and all deletions, where none is named.
    @raise Trouble: where one of them is not there, or none at all.
    @raise StorageUnavailable: where the store cannot be read.
    """
    stored = await store.processors()
    missing = sorted(set(chosen) - set(stored))
    if missing:
        raise Trouble(f"the storage holds no processor {', '.join(missing)}")
    if not stored:
        raise Trouble("the storage holds no processor")
    for processor in sorted(set(chosen)) or stored:
        await store.load(processor, writer.processor)
    deletions = await store.deletions()
    writer.deletions(each for each in deletions if not chosen or each.processor in chosen)
    return writer.end()
