"""All that somebody may use is described, and what is missing is listed by name.

Metrics are held against their page in C{tests.metrics.test_page}, tables of reference against the
code in C{tests.test_site}.
"""

import argparse
import inspect
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from twisted.trial.unittest import SynchronousTestCase

import kato.client
import kato.client.in_twisted
import kato.engine
from kato.commands import OPERATIONS
from kato.errors import BY_CODE
from kato.gateway_options import GatewayOptions
from kato.genes import NAMES
from kato.manager.__main__ import parser
from kato.options import ENVIRONMENT as VARIABLES
from kato.options import CommonOptions
from kato.requests import OLDER
from kato.service_options import ServiceOptions
from tests.source import ROOT

OF_TWISTD = {"help", "version"}
"""Options that every service of Twisted's has."""


def page(name: str) -> str:
    """A page of the documentation."""
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def rows(text: str) -> Iterator[list[str]]:
    """The rows of all tables of a page, as cells."""
    for line in re.findall(r"^\| (.*) \|$", text.replace("\\|", "¦"), re.MULTILINE):
        yield re.split(r" *\| ?", line)


def names(cells: Iterable[str]) -> list[str]:
    """What stands as code in these cells."""
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


def told(text: str) -> Counter[str]:
    """What the rows of a page are about: the code in their first cells."""
    return Counter(names(row[0] for row in rows(text)))


def options(kind: type[CommonOptions]) -> set[str]:
    """The long names of options of a service."""
    made = kind({})
    return {each.rstrip("=") for each in made.longOpt} - OF_TWISTD


def commands(made: argparse.ArgumentParser, before: str = "") -> Iterator[tuple[str, list[str]]]:
    """Commands of the manager, each with its options."""
    for action in made._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, command in action.choices.items():
                known = [
                    each.option_strings[-1] for each in command._actions if each.option_strings
                ]
                yield f"{before}{name}", [each for each in known if each != "--help"]
                yield from commands(command, f"{before}{name} ")


class OptionTests(SynchronousTestCase):
    """Options of services and of the manager, in docs/operations.md."""

    def setUp(self) -> None:
        self.page = page("operations.md")
        limits = self.page.partition("\n## Limits\n")[2].partition("\n## ")[0]
        self.limits = {f"max-{name}" for name in told(limits)} - {"max---max-…"}

    def test_services(self) -> None:
        """Each option of a service has a row, and each row is one of an option."""
        known = options(GatewayOptions) | options(ServiceOptions)
        described = {name[2:] for name in told(self.page) if name.startswith("--")} | self.limits
        self.assertEqual(sorted(known - described), [], "not described")
        self.assertEqual(sorted(described - known - {"max-…"}), [], "no such option")

    def test_environment(self) -> None:
        """The variable that says the same stands beside it."""
        beside = {
            name: row[1] for row in rows(self.page) if len(row) > 1 for name in names(row[:1])
        }
        missing = [
            f"--{option}: {variable}"
            for option, variable in VARIABLES.items()
            if option not in self.limits and variable not in beside.get(f"--{option}", self.page)
        ]
        self.assertEqual(missing, [])

    def test_manager(self) -> None:
        """Each command of the manager has one row, with all its options."""
        table = self.page.partition("| command |")[2].partition("\n\n")[0]
        described = {name: set(names(row[1:2])) for row in rows(table) for name in names(row[:1])}
        missing = {
            command: lacking
            for command, known in commands(parser())
            if (lacking := set(known) - described.pop(command, set()))
        }
        self.assertEqual(missing, {})
        self.assertEqual(described, {}, "no such command")


class TableTests(SynchronousTestCase):
    """What stands in tables, once."""

    def assert_once(self, known: Iterable[str], found: Counter[str], where: str) -> None:
        wrong = {name: found[name] for name in known if found[name] != 1}
        self.assertEqual(wrong, {}, f"{where}: these are described another number of times")

    def test_genes(self) -> None:
        """Each gene has a row in the page on REST, and one in that on tuning."""
        genes = page("rest.md").partition("\n## Genes\n")[2].partition("\n### ")[0]
        self.assert_once(NAMES, told(genes), "rest.md")
        tuning = page("tuning.md").partition("\n## Genes\n")[2].partition("\n## ")[0]
        self.assert_once(NAMES, told(tuning), "tuning.md")

    def test_errors(self) -> None:
        """Each code of an error has one row in the page on REST."""
        errors = page("rest.md").partition("\n## Answers and errors\n")[2].partition("\n## ")[0]
        self.assert_once(BY_CODE, told(errors), "rest.md")

    def test_operations(self) -> None:
        """Each operation has a route in the page on REST, and an example in that on ZeroMQ."""
        routes = page("rest.md").partition("\n## The routes\n")[2].partition("\n## ")[0]
        found = {name for row in rows(routes) for name in names(row[2:])}
        self.assertEqual(sorted(OPERATIONS.keys() - found - {"create_processor"}), [])
        asked = {
            OLDER.get(name, name) for name in re.findall(r'"method": "(\w+)"', page("zeromq.md"))
        }
        self.assertEqual(sorted(OPERATIONS.keys() - asked), [], "no example in zeromq.md")


class PythonTests(SynchronousTestCase):
    """What programs import."""

    def public(self) -> Iterator[tuple[str, object]]:
        """Classes and functions, and what can be called of them, by name."""
        exported = [
            *((kato.client, name) for name in kato.client.__all__),
            *((kato.client.in_twisted, name) for name in ("TwistedClient", "TwistedProcessor")),
            *((kato.engine, name) for name in kato.engine.__all__),
        ]
        for module, name in exported:
            value = getattr(module, name)
            if callable(value):
                yield f"{module.__name__}.{name}", value
            if inspect.isclass(value):
                for inner, member in vars(value).items():
                    if not inner.startswith("_") and (
                        callable(member) or isinstance(member, property)
                    ):
                        yield f"{module.__name__}.{name}.{inner}", member

    def test_docstrings(self) -> None:
        """Each has a docstring of its own, from which the reference is made."""
        public = dict(self.public())
        self.assertGreater(len(public), 50)
        bare = [name for name, value in public.items() if not inspect.getdoc(value)]
        self.assertEqual(bare, [])

    def test_client(self) -> None:
        """Each method of a client and of its processors stands in the page on the client."""
        described = set(re.findall(r"`(\w+)\(", page("python.md")))
        described |= set(re.findall(r"\bkato\.(\w+)\(", page("python.md")))
        missing = [
            name
            for name, value in self.public()
            if re.search(r"client\.(Client|Processor)\.\w+$", name)
            and callable(value)
            and name.rpartition(".")[2] not in described
        ]
        self.assertEqual(missing, [])
