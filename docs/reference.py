"""Pages of reference that are made of the code, so that nothing of it is written twice."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, fields
from inspect import getdoc
from pathlib import Path
from types import ModuleType

import kato.client
import kato.engine
from kato.commands import OPERATIONS, About, Operation
from kato.errors import BY_CODE, InvalidRequest, KatoError
from kato.genes import NAMES, Genes, parse_gene
from kato.observation import KEYS

_OF: Mapping[About, str] = {
    About.SERVER: "the server",
    About.PROCESSOR: "a processor",
    About.EITHER: "a processor, or the server",
}


def operations() -> str:
    """The table of operations."""
    return _page(
        "Operations",
        "What can be asked for over [REST](../rest.md), [WebSocket](../websocket.md) and "
        "[ZeroMQ](../zeromq.md) alike: this table is what they all carry out.",
        ("operation", "of", "parameters", "`message`", ""),
        (
            (
                f"`{name}`",
                _OF[row.about],
                ", ".join(_parameters(row)),
                f"`{row.message}`",
                _deed(row),
            )
            for name, row in OPERATIONS.items()
        ),
    )


def _parameters(row: Operation) -> Iterable[str]:
    """The parameters of an operation; an observation stands for its keys."""
    for each in fields(row.params):
        if each.name == "observation":
            yield from (f"`{key}`" for key in sorted(KEYS))
        else:
            yield f"`{each.name}`" if each.default is MISSING else f"`{each.name}` (optional)"


def _deed(row: Operation) -> str:
    if row.creates:
        return "changes; makes a processor that is not there"
    return "changes" if row.changes else "reads"


def genes() -> str:
    """All genes, with what each says itself to a value that it does not accept."""
    defaults = Genes().as_dict()
    return _page(
        "Genes",
        "Which one is for what: [tuning](../tuning.md#genes).",
        ("gene", "default", "accepts"),
        ((f"`{name}`", f"`{json.dumps(defaults[name])}`", _accepts(name)) for name in NAMES),
    )


def _accepts(name: str) -> str:
    """What a gene accepts, in the words in which it refuses what it does not."""
    unfit: object = "?" if isinstance(Genes().as_dict()[name], str | bool) else -1
    try:
        parse_gene(name, unfit)
    except InvalidRequest as error:
        return error.message.partition("expected ")[2].rpartition(", got")[0]
    raise AssertionError(f"{name} accepts {unfit!r}")


def errors() -> str:
    """All codes of errors."""
    return _page(
        "Errors",
        "Every error has one of these codes, over every transport, and is an exception of this "
        "name in `kato.errors` ([how an error looks](../rest.md#answers-and-errors)).",
        ("code", "HTTP", "exception", "when"),
        (
            (f"`{code}`", str(kind.http_status), f"`{kind.__name__}`", _summary(kind))
            for code, kind in BY_CODE.items()
            if kind is not KatoError
        ),
    )


def python() -> str:
    """What programs import, with links into the reference that pydoctor makes."""
    listed = "".join(_module(module) for module in (kato.client, kato.engine))
    return (
        f"# Python\n\nAll of it: <a href='../../api/index.html'>modules and classes</a>.\n{listed}"
    )


def _module(module: ModuleType) -> str:
    name = module.__name__
    rows = [
        (f"<a href='../../api/{_target(name, each)}'>{each}</a>", _summary(getattr(module, each)))
        for each in module.__all__
    ]
    return f"\n## `{name}`\n\n{_summary(module)}\n\n{_table(('', ''), rows)}"


def _target(module: str, name: str) -> str:
    """The page of a class, or the place of a value on its module's."""
    return f"{module}.html#{name}" if name.isupper() else f"{module}.{name}.html"


def _summary(described: object) -> str:
    """The first paragraph of a docstring, with its marks as Markdown has them."""
    if isinstance(described, str):
        return f"The text `{described}`; its place in the reference says what it means."
    sentences = " ".join((getdoc(described) or "").partition("\n\n")[0].split())
    for mark in "CL":
        sentences = sentences.replace(f"{mark}{{", "`{")
    return sentences.replace("`{", "`").replace("}", "`").replace("|", "\\|")


def _page(title: str, text: str, head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    return f"# {title}\n\n{text}\n\n{_table(head, rows)}"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


PAGES: Mapping[str, Callable[[], str]] = {
    "operations": operations,
    "genes": genes,
    "errors": errors,
    "python": python,
}
"""The pages, by name."""


def write(folder: Path) -> None:
    """Write all pages; one that is as it was stays untouched."""
    folder.mkdir(exist_ok=True)
    for name, page in PAGES.items():
        path, text = folder / f"{name}.md", page()
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
