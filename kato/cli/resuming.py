"""Where a load begins: at the first line, where an earlier one was interrupted, or not at all."""

from uuid import uuid4

from kato.cli.exits import Refused
from kato.cli.notes import Note
from kato.client import Processor
from kato.errors import ModelNotFound, ObservationNotFound, ProcessorNotFound


def beginning(processor: Processor, name: str, contents: str, known: Note | None) -> Note:
    """How far what is to be loaded has come.

    @param contents: a fingerprint of what is to be loaded, and how.
    @param known: what was noted of the last load of this file.
    @raise Refused: going on would do something twice, or leave something out.
    """
    if known is None or not known.done:
        return known if known is not None and known.contents == contents else Note(contents)
    try:
        processor.ping()
        _see_whether_same(name, contents, known)
        _see_whether_remembered(processor, name, known)
    except ProcessorNotFound:
        return anew(contents)  # it was deleted, with all that was loaded
    return known


def anew(contents: str) -> Note:
    """A load that the server takes for no earlier one."""
    return Note(contents, turn=uuid4().hex)


def _see_whether_same(name: str, contents: str, known: Note) -> None:
    if known.contents == contents:
        return
    far = "to its end" if known.finished else f"as far as line {known.line}"
    raise Refused(
        f"{name} was loaded {far}, and it, or how it is to be read, "
        "is not the same any more: --again loads it from its beginning"
    )


def _see_whether_remembered(processor: Processor, name: str, known: Note) -> None:
    see_what_was_learned(processor, name, known)
    if known.finished:
        return
    try:
        processor.predictions(known.last)
    except ObservationNotFound:
        raise Refused(
            f"{processor.id} does not remember line {known.line} of {name}, where its load was "
            "interrupted: it was made anew, or much was observed since. "
            "--again loads it from its beginning"
        ) from None


def see_what_was_learned(processor: Processor, name: str, note: Note) -> None:
    """See that the last model of a load is there.

    @raise Refused: it is not: memory was cleared since the load, and the server, which knows the
        load by its ids, does nothing of it again.
    """
    if not note.model:
        return
    try:
        processor.model(note.model)
    except ModelNotFound:
        raise Refused(
            f"{processor.id} was told {name} before, and has forgotten since what it learned of "
            "it: --again loads it from its beginning"
        ) from None
