"""The command that prints what a shell needs to complete commands."""

import click
from click.shell_completion import get_completion_class

from kato.cli.commands import Command

_SHELLS = ("bash", "zsh", "fish")


@click.command(cls=Command)
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print a script with which SHELL completes commands, processors, models and genes.

    For bash: eval "$(kato completion bash)" in ~/.bashrc.
    """
    kind = get_completion_class(shell)
    assert kind is not None, "click knows each of them"
    click.echo(kind(ctx.find_root().command, {}, "kato", "_KATO_COMPLETE").source())
