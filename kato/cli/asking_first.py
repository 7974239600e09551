"""Whoever is about to lose something is asked first."""

import sys

import click


def confirmed(question: str, yes: bool) -> None:
    """Go on if the person says so.

    @param yes: it was said already.
    @raise click.UsageError: nobody is there to be asked.
    @raise click.Abort: the person says no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("this cannot be undone: say --yes (nobody is there to be asked)")
    click.confirm(question, abort=True, err=True)
