"""What all commands have in common: options that stand before or after any of them, and what is
done about errors."""

from typing import Any

import click

import kato
from kato.cli.exits import INTERRUPTED, Trouble, exit_status, in_one_line
from kato.cli.session import DEFAULT_URL, Session
from kato.client import KatoError


def _wish(ctx: click.Context, param: click.Parameter, value: object) -> None:
    if value is not None and value is not False:
        ctx.ensure_object(Session).wish(str(param.name), value)


def _option(*names: str, text: str, **more: Any) -> click.Option:
    return click.Option(names, help=text, callback=_wish, expose_value=False, **more)


def shared_options() -> list[click.Parameter]:
    """The options of the program and of each of its commands."""
    return [
        _option(
            "--url", text=f"Where the server is [KATO_URL, else {DEFAULT_URL}].", metavar="URL"
        ),
        _option(
            "--key-file",
            text="A file whose first line is the server's key [KATO_API_KEY_FILE].",
            metavar="FILE",
            type=click.Path(dir_okay=False),
        ),
        _option(
            "--key",
            text="The key itself [KATO_API_KEY]; others see it in the list of processes.",
            metavar="KEY",
        ),
        _option(
            "--timeout",
            text="Seconds until a request without an answer counts as lost [40].",
            metavar="SECONDS",
            type=click.FloatRange(min=0, min_open=True, max=86_400),
        ),
        _option("--json", text="Print what the server answers, as JSON.", is_flag=True),
        _option("--quiet", "-q", text="Print results alone, no notes.", is_flag=True),
    ]


class Command(click.Command):
    """A command, with the options that all have."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(shared_options())


class Program(click.Group):
    """All commands; what they raise becomes a line and an exit status."""

    command_class = Command

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(shared_options())
        click.version_option(kato.__version__)(self)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take what was typed, if it is text."""
        for each in args:
            if not _is_text(each):
                raise click.UsageError(f"not UTF-8: {each!r}", ctx)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        ctx.call_on_close(ctx.ensure_object(Session).close)
        try:
            return super().invoke(ctx)
        except KatoError as error:
            click.echo(in_one_line(error), err=True)
            ctx.exit(exit_status(error))
        except UnicodeError as error:  # a host's name that looks like one, and is none
            raise Trouble(f"{ctx.ensure_object(Session).url}: {error}") from None
        except KeyboardInterrupt:
            click.echo("kato: interrupted", err=True)
        except click.Abort:
            click.echo("kato: nothing was done", err=True)
        return ctx.exit(INTERRUPTED)


def _is_text(word: str) -> bool:
    try:
        word.encode()
    except UnicodeEncodeError:
        return False
    return True
