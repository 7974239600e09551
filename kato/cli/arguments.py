"""Arguments that several commands take, and how a shell completes them."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from kato.cli.documents import Unfit
from kato.cli.exits import Trouble
from kato.cli.session import Session
from kato.client import KatoError, Patience
from kato.client.calls import ProcessorCalls, ServerCalls
from kato.client.given import processor_id
from kato.errors import InvalidRequest

T = TypeVar("T")

MODEL = "MODEL|"
_WHOLE = 40
_SHOWN = 50
_AT_ONCE = Patience(again=0)
_SOON = 2.0


def reading(reader: Callable[[str], T]) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """Have the words of an option read by a function, which raises L{Unfit} at what it cannot."""

    def convert(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
        try:
            if isinstance(value, tuple):
                return [reader(each) for each in value]
            return None if value is None else reader(value)
        except Unfit as error:
            raise click.BadParameter(str(error), ctx, param) from None

    return convert


def read(name: str, reader: Callable[[Sequence[str]], T], words: Sequence[str]) -> T:
    """What words say together.

    @raise click.UsageError: they are unfit for what C{name} says.
    """
    try:
        return reader(words)
    except Unfit as error:
        raise click.UsageError(f"{name}: {error}") from None


def _asked(ctx: click.Context, ask: Callable[[Session], Iterable[str]]) -> list[CompletionItem]:
    """What a server tells for completion; nothing where it does not tell it soon."""
    session = ctx.ensure_object(Session)
    session.patience = _AT_ONCE
    session.wish("timeout", _SOON)
    try:
        return [CompletionItem(each) for each in ask(session)]
    except (KatoError, click.ClickException):
        return []
    finally:
        session.close()


def _processors(ctx: click.Context, param: click.Parameter, typed: str) -> list[CompletionItem]:
    def ask(session: Session) -> list[str]:
        page = session.ask(ServerCalls().processors(_SHOWN, _before(typed)))
        return [each.id for each in page.entries if each.id.startswith(typed)]

    return _asked(ctx, ask)


def _models(ctx: click.Context, param: click.Parameter, typed: str) -> list[CompletionItem]:
    def ask(session: Session) -> list[str]:
        calls = ProcessorCalls(ctx.params["processor"])
        page = session.ask(calls.models(_SHOWN, _before(MODEL + typed)))
        names = (each.name.removeprefix(MODEL) for each in page.entries)
        return [each for each in names if each.startswith(typed)]

    return _asked(ctx, ask)


def _genes(ctx: click.Context, param: click.Parameter, typed: str) -> list[CompletionItem]:
    def ask(session: Session) -> list[str]:
        told = session.ask(ProcessorCalls(ctx.params["processor"]).genes())
        return [each for each in told if each.startswith(typed)]

    return _asked(ctx, ask)


def _before(name: str) -> str | None:
    """A name that stands before all that begin with this one, and near them."""
    return name[:-1] + chr(ord(name[-1]) - 1) + "~" if name else None


def _addressed(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    try:
        return None if value is None else processor_id(value)
    except InvalidRequest as error:
        raise click.BadParameter(error.message, ctx, param) from None


processor_argument = click.argument("processor", callback=_addressed, shell_complete=_processors)
maybe_processor_argument = click.argument(
    "processor", required=False, callback=_addressed, shell_complete=_processors
)
model_argument = click.argument("model", shell_complete=_models)
gene_words = click.argument("genes", nargs=-1, shell_complete=_genes)


def limit_option(text: str) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """How many entries to tell."""
    return click.option("--limit", type=click.IntRange(min=1), metavar="N", help=text)


def whole_name(session: Session, processor: str, name: str) -> str:
    """The name of the model that begins so, with or without C{MODEL|}, if just one does.

    @raise Trouble: several do.
    @raise KatoError: what the server says; where none does it says so to what was typed.
    """
    digits = name.removeprefix(MODEL)
    if not digits or len(digits) >= _WHOLE:
        return name
    start = MODEL + digits
    page = session.ask(ProcessorCalls(processor).models(2, _before(start)))
    found = [each.name for each in page.entries if each.name.startswith(start)]
    if len(found) > 1:
        raise Trouble(f"{name}: several models begin so: {', '.join(found)}, …")
    return found[0] if found else name
