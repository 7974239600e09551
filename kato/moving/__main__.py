"""C{python -m kato.moving}: does what C{kato-manager.sh export} says, and four like it."""

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from kato.commands import parse_processor_id
from kato.errors import KatoError
from kato.moving.copying import back_up, restore
from kato.moving.exporting import export
from kato.moving.importing import Import, Moved
from kato.moving.new_file import new_file
from kato.moving.original import SEQUENCES, VECTORS, Original, learned_in
from kato.moving.progress import progress, progress_of
from kato.moving.reading import Contents
from kato.moving.stores import sqlite_path, with_store
from kato.moving.surveying import survey
from kato.moving.trouble import Trouble, plainly
from kato.moving.writing import Writer, Written
from kato.storage import CannotOpen, IStore

_INTERRUPTED = 130

_BROUGHT = (*SEQUENCES, VECTORS)


def parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    """What may be typed."""
    made = argparse.ArgumentParser(prog="python -m kato.moving", allow_abbrev=False)
    commands = made.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, text in (
        ("export", "write processors of a store into a file"),
        ("import", "bring processors from such a file into a store"),
        ("export-original", "write a processor of the original KATO into such a file"),
        ("backup", "copy a SQLite store, also while a server uses it"),
        ("restore", "put such a copy in the place of a SQLite store, which is kept aside"),
    ):
        command = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        command.add_argument("file", type=Path, metavar="FILE")
        if name == "export-original":
            _add_source(command, environment.get("KATO_ORIGINAL"))
            continue
        command.add_argument("--storage", default=environment.get("KATO_STORAGE") or "sqlite:")
        if name in ("export", "import"):
            command.add_argument("--processor", action="append", default=[], metavar="ID")
        if name == "import":
            command.add_argument("--replace", action="store_true")
    return made


def _add_source(command: argparse.ArgumentParser, known: str | None) -> None:
    command.add_argument("--from", dest="source", default=known, required=not known, metavar="URL")
    command.add_argument("--processor", metavar="ID")


def _export(typed: argparse.Namespace) -> None:
    with new_file(typed.file) as partial, progress("exporting", " lines") as told:
        written = with_store(
            typed.storage, lambda store: _exported(store, partial, typed, told), must_exist=True
        )
    print(
        f"exported {_number(written.processors, 'processor')}, {_number(written.models, 'model')} "
        f"to {typed.file} ({written.size:,} bytes, sha256 {written.digest})"
    )


async def _exported(
    store: IStore, partial: Path, typed: argparse.Namespace, told: Callable[[int], object]
) -> Written:
    with partial.open("wb") as file:
        return await export(store, Writer(file, told=told), chosen=typed.processor)


def _export_original(typed: argparse.Namespace) -> None:
    # MongoDB's driver takes its time to load
    from kato.storage.mongodb.original import original_database

    with original_database(typed.source) as source:
        processor = parse_processor_id(typed.processor or source.name)
        counts = source.counts()
        collection = learned_in(counts, source.shown)
        found = Original(collection, source.documents(VECTORS))
        with (
            new_file(typed.file) as partial,
            partial.open("wb") as file,
            progress("exporting", " lines") as told,
        ):
            writer = Writer(file, told=told)
            writer.processor(found.snapshot(processor, source.documents(collection)))
            written = writer.end()
    _tell_original(processor, found, counts, written, typed.file)


def _tell_original(
    processor: str, found: Original, counts: Mapping[str, int], written: Written, file: Path
) -> None:
    """Tell what was brought along, and what could not be."""
    vectors = len(found.vectors)
    print(
        f"{processor}: {_number(written.models, 'model')}, {_number(vectors, 'vector')} to {file}"
    )
    if found.renamed:
        print(f"{_number(found.renamed, 'model')} got another name, since vectors stand in them")
    if found.unknown:
        symbols = _number(len(found.unknown), "symbol")
        print(f"{symbols} of vectors that the database does not hold: nothing new will match them")
    left = [f"{name} ({count:,})" for name, count in counts.items() if name not in _BROUGHT]
    print(f"left behind: short-term memory and genes; {', '.join(left) or 'no collection'}")


def _import(typed: argparse.Namespace) -> None:
    with progress("checking", "B", typed.file.stat().st_size) as told:
        contents = survey(typed.file, told=told)
    fates: list[str] = []

    def moved(each: Moved) -> None:
        fates.append(each.fate.name.lower())
        print(f"{each.processor}: {each.fate.value} ({_number(each.models, 'model')})", flush=True)

    with_store(
        typed.storage, lambda store: _imported(store, contents, typed, moved), must_exist=False
    )
    told_of = (f"{fates.count(each)} {each}" for each in ("imported", "replaced", "skipped"))
    print(f"processors: {', '.join(told_of)}")


async def _imported(
    store: IStore,
    contents: Contents,
    typed: argparse.Namespace,
    moved: Callable[[Moved], object],
) -> None:
    chosen = typed.processor or list(contents.sections)
    size = sum(each.size for name, each in contents.sections.items() if name in chosen)
    with progress("importing", "B", size) as told:
        await Import(
            store,
            contents,
            chosen=typed.processor,
            replaces=typed.replace,
            told=told,
            moved=moved,
        ).run()


def _backup(typed: argparse.Namespace) -> None:
    with progress_of("copying", " pages") as told:
        copied, digest = back_up(sqlite_path(typed.storage), typed.file, told=told)
    print(
        f"copied {_number(copied.processors, 'processor')}, {_number(copied.models, 'model')} to "
        f"{typed.file} ({typed.file.stat().st_size:,} bytes, sha256 {digest})"
    )


def _restore(typed: argparse.Namespace) -> None:
    database = sqlite_path(typed.storage)
    with progress_of("copying", " pages") as told:
        restored = restore(typed.file, database, told=told)
    checked = (
        "" if restored.checked else "; no checksum lay beside it, so only its form was checked"
    )
    print(f"{typed.file} is now {database}{checked}")
    if restored.old is not None:
        print(f"what was there before is now {restored.old}")


_COMMANDS: Mapping[str, Callable[[argparse.Namespace], None]] = {
    "export": _export,
    "export-original": _export_original,
    "import": _import,
    "backup": _backup,
    "restore": _restore,
}


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Do what was typed; gives the exit status."""
    typed = parser(environment).parse_args(arguments)
    typed.file = typed.file.absolute()
    try:
        _COMMANDS[typed.command](typed)
    except (Trouble, CannotOpen, KatoError, OSError) as trouble:
        print(f"kato: {plainly(trouble)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        stays = "; what was imported stays, and is skipped the next time"
        goes_on = stays if typed.command == "import" else ""
        print(f"kato: {typed.command} was broken off{goes_on}", file=sys.stderr)
        return _INTERRUPTED
    return 0


if __name__ == "__main__":
    status = main(sys.argv[1:], os.environ)
    if status == _INTERRUPTED:
        # The store's thread is in the midst of something, and may hold what an orderly end needs.
        os._exit(status)
    sys.exit(status)
