"""All commands of the program C{kato}."""

import click

from kato.cli import of_files, of_future, of_memory, of_server, of_streams
from kato.cli.commands import Program
from kato.cli.completion import completion


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
def program() -> None:
    """Observe, learn, and look at what is to be expected: KATO from the command line.

    Options that every command has may stand before it or after it.  Exit statuses: 0 done, 1
    refused by the server, 2 wrong usage, 3 no answer, 4 not allowed, 130 interrupted.
    """


for _command in (
    of_memory.observe,
    of_memory.learn,
    of_future.predict,
    of_future.forecast,
    of_future.explain,
    of_streams.watch,
    of_files.load,
    of_memory.stm,
    of_memory.models,
    of_memory.model,
    of_memory.clear,
    of_memory.forget,
    of_server.processors,
    of_server.status,
    of_server.genes,
    of_server.create,
    of_server.delete,
    of_server.ping,
    completion,
):
    program.add_command(_command)
