"""All that somebody may use is described once, and a test that fails lists by name all that is
missing, and all that is told twice.

The options of C{kato} are held against their page in C{tests.cli.test_docs}, what stands in the
tables of metrics in C{tests.metrics.test_page}, tables of reference against the code in
C{tests.test_site}.
"""

import argparse
import ast
import inspect
import re
import runpy
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from importlib import import_module
from types import ModuleType
from typing import ParamSpec, TypeVar

from twisted.trial.unittest import SynchronousTestCase

import kato.client
import kato.client.in_twisted
import kato.engine
from benchmarks.__main__ import NAMES as BENCHMARKS
from benchmarks.__main__ import TAKE_ARGUMENTS
from kato import limit_options
from kato.commands import OPERATIONS
from kato.errors import BY_CODE, InvalidRequest
from kato.gateway_options import GatewayOptions
from kato.genes import NAMES
from kato.manager.__main__ import parser
from kato.metrics import TABLE
from kato.options import ENVIRONMENT as VARIABLES
from kato.options import CommonOptions
from kato.protocols.rest.routes import ROUTES, Page
from kato.requests import OLDER
from kato.service_options import ServiceOptions
from tests.pages import faults, names, options, page, pages, rows, section, told
from tests.source import ROOT, Module, modules, within

OF_TWISTD = {"help", "version"}
"""Options that every service of Twisted's has."""

HANDED_OVER = {"KATO_AGAINST", "KATO_INTO", "KATO_ORIGINAL"}
"""By these the manager tells its own programs what may hold a password: nobody sets them."""


def accepted(kind: type[CommonOptions]) -> set[str]:
    """The options of a service."""
    return {f"--{each.rstrip('=')}" for each in {*kind({}).longOpt} - OF_TWISTD - {"help="}}


def typed(made: argparse.ArgumentParser) -> list[str]:
    """The options of a command."""
    known = [each.option_strings[-1] for each in made._actions if each.option_strings]
    return [each for each in known if each != "--help"]


def commands(made: argparse.ArgumentParser, before: str = "") -> Iterator[tuple[str, list[str]]]:
    """Commands of the manager, each with its options."""
    for action in made._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, command in action.choices.items():
                yield f"{before}{name}", typed(command)
                yield from commands(command, f"{before}{name} ")


def docstring(value: object) -> str | None:
    """The docstring of a class or a function; a class does not have that of its parent."""
    return vars(value).get("__doc__") if inspect.isclass(value) else inspect.getdoc(value)


class OptionTests(SynchronousTestCase):
    """Options of services and of the manager, in docs/operations.md."""

    def setUp(self) -> None:
        self.page = page("operations.md")
        everywhere, gateway, service = re.split(
            r"^Of a (?:gateway|service) alone", section(self.page, "## Options"), flags=re.M
        )
        head, *limits = names(row[0] for row in rows(section(self.page, "## Limits")))
        self.assertEqual(head, "--max-…")
        self.limits = Counter(f"--max-{name}" for name in limits)
        self.places = {
            GatewayOptions: (everywhere, gateway),
            ServiceOptions: (everywhere, service),
        }

    def test_services(self) -> None:
        """Each option of a service has one row, and each row is one of an option. What stands in
        the table for all of them, and is none of a service's, the text before that of a service
        alone names."""
        wrong = {}
        for kind, (common, own) in self.places.items():
            known, here = accepted(kind), told(common) + self.limits
            lacks = set(here) - known if kind is ServiceOptions else set()
            found = Counter({each: times for each, times in here.items() if each not in lacks})
            wrong[kind.__name__] = faults(known, found + told(own))
        self.assertEqual(wrong, {each.__name__: [] for each in self.places})

    def test_environment(self) -> None:
        """The variable that says the same stands beside it, once."""
        wrong = {}
        for kind, places in self.places.items():
            beside = Counter(
                (option, variable)
                for place in places
                for row in rows(place)
                for option in names(row[:1])
                for variable in names(row[1:2])
            )
            known = accepted(kind) - self.limits.keys()
            wrong[kind.__name__] = [
                f"{option}: {variable} {beside[option, variable]} times"
                for name, variable in VARIABLES.items()
                if (option := f"--{name}") in known and beside[option, variable] != 1
            ]
        self.assertEqual(wrong, {each.__name__: [] for each in self.places})

    def test_limits(self) -> None:
        """A limit's variable is called as the page says that all are."""
        self.assertIn("a variable, `KATO_MAX_` and its name", self.page)
        for option in self.limits:
            said = VARIABLES[option.removeprefix("--")]
            self.assertEqual(said, "KATO_" + option.removeprefix("--").replace("-", "_").upper())

    def test_manager(self) -> None:
        """Each command of the manager has one row, with all its options, and no others."""
        table = self.page.partition("| command |")[2].partition("\n\n")[0]
        known = dict(commands(parser()))
        self.assertEqual(faults(known, told(table)), [])
        wrong = {}
        for row in rows(table):
            together = names(row[:1])  # commands that are alike share a row
            found = Counter(each for each in names(row[1:2]) if each.startswith("--"))
            wrong[row[0]] = faults((option for each in together for option in known[each]), found)
        self.assertEqual({row: each for row, each in wrong.items() if each}, {})


class VariableTests(SynchronousTestCase):
    """Variables of the environment."""

    def used(self) -> set[str]:
        """All that our code looks up, or our scripts."""
        found = {
            each.value
            for module in modules("kato", "benchmarks", "examples", "tests")
            for each in ast.walk(module.tree)
            if isinstance(each, ast.Constant) and isinstance(each.value, str)
        }
        named = {each for each in found if re.fullmatch(r"KATO_[A-Z]+(_[A-Z]+)*", each)}
        script = (ROOT / "kato-manager.sh").read_text(encoding="utf-8")
        named |= {*re.findall(r"\$\{?(KATO_[A-Z_]+)", script)}
        return {*named, *VARIABLES.values(), "ZMQ_PORT"} - HANDED_OVER

    def test_told(self) -> None:
        """Each stands on a page, and none has a row of its own on two."""
        text = {path.name: path.read_text(encoding="utf-8") for path in pages()}
        whole = "\n".join(text.values())
        used = self.used()
        self.assertGreater(len(used), len(VARIABLES))
        missing = sorted(
            each
            for each in used - {*limit_options.ENVIRONMENT.values()}  # which are told together
            if not re.search(rf"\b{each}\b", whole)
        )
        self.assertEqual(missing, [], "told nowhere")
        own: Counter[str] = Counter()
        for each in text.values():
            head = {cells[0] for table in each.split("\n\n") for cells in [*rows(table)][:1]}
            own.update({name for name in told(each) if name in used and f"`{name}`" not in head})
        self.assertEqual([name for name, times in own.items() if times > 1], [], "told twice")


class TableTests(SynchronousTestCase):
    """What stands in tables, once."""

    def assert_once(self, where: str, heading: str, known: set[str]) -> None:
        found = told(section(page(where), heading))
        self.assertEqual(faults(known, Counter({k: n for k, n in found.items() if k in known})), [])

    def test_genes(self) -> None:
        """Each gene has a row in the page on REST, and one in that on tuning."""
        for where in ("rest.md", "tuning.md"):
            self.assert_once(where, "## Genes", {*NAMES})

    def test_errors(self) -> None:
        """Each code of an error has one row in the page on REST, and each row has a code."""
        found = told(section(page("rest.md"), "## Answers and errors"))
        codes = Counter({each: times for each, times in found.items() if each.isupper()})
        self.assertEqual(faults(BY_CODE, codes), [])

    def test_metrics(self) -> None:
        """Each metric has one row in its page, and each row a metric."""
        found = told(page("metrics.md"))
        ours = Counter({each: times for each, times in found.items() if each.startswith("kato_")})
        self.assertEqual(faults(TABLE, ours), [])

    def test_routes(self) -> None:
        """Each route has one row in the page on REST, with its operation if it asks for one, and
        one heading; of two that ask for the same one of them needs none."""
        text = page("rest.md")
        known = {
            f"{each.method} {each.path}": each.serves if isinstance(each.serves, str) else None
            for each in ROUTES
        }
        table = [names(row) for row in rows(section(text, "## The routes"))]
        found = {f"{row[0]} {row[1]}": row[2] if len(row) > 2 else None for row in table if row}
        self.assertEqual(faults(known, Counter(f"{row[0]} {row[1]}" for row in table if row)), [])
        self.assertEqual(found, known)
        headings = re.findall(r"^### (.*)$", text, re.MULTILINE)
        titles = Counter(part for each in headings for part in each.split(", "))
        ours = Counter({each: times for each, times in titles.items() if "/" in each})
        headed = {known.get(each) for each in ours} - {None}
        self.assertEqual(
            faults({each for each in known if each in ours or known[each] not in headed}, ours), []
        )

    def test_operations(self) -> None:
        """Each operation has a route, and an example in the page on ZeroMQ, which names no
        others."""
        routed = {each.serves for each in ROUTES if not isinstance(each.serves, Page)}
        self.assertEqual(sorted(OPERATIONS.keys() ^ routed), [])
        text = page("zeromq.md").replace('{"method": "forget"}', "")  # an example of an error
        asked = {OLDER.get(name, name) for name in re.findall(r'"method": "(\w+)"', text)}
        self.assertEqual(faults(OPERATIONS, Counter(asked)), [])


class BenchmarkTests(SynchronousTestCase):
    """Benchmarks and their options, in benchmarks/README.md."""

    def setUp(self) -> None:
        self.page = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")

    def test_names(self) -> None:
        """Each has one heading, and each heading is one's."""
        found = Counter(re.findall(r"^## `python -m benchmarks (\w+)`$", self.page, re.MULTILINE))
        self.assertEqual(faults(BENCHMARKS, found), [])

    def test_options(self) -> None:
        """Each option of one stands in its section."""
        missing, count = [], 0
        for name in TAKE_ARGUMENTS:
            there = options(names([section(self.page, f"## `python -m benchmarks {name}`")]))
            for module in modules("benchmarks"):
                if within(module.name, f"benchmarks.{name}"):
                    known = self.added(module)
                    count += len(known)
                    missing += [f"{name}: {each}" for each in known if each not in there]
        self.assertEqual(missing, [])
        self.assertGreater(count, 10)

    def added(self, module: Module) -> list[str]:
        """The options that a module adds to its parser."""
        return [
            word.value
            for call in ast.walk(module.tree)
            if isinstance(call, ast.Call) and ast.unparse(call.func).endswith(".add_argument")
            for word in call.args
            if isinstance(word, ast.Constant)
            and isinstance(word.value, str)
            and word.value.startswith("--")
        ]


class PythonTests(SynchronousTestCase):
    """What programs import."""

    def described(self) -> list[ModuleType]:
        """The modules of which the site has a reference; of the engine that is what it exports."""
        listed = runpy.run_path(str(ROOT / "docs" / "build.py"))["_DESCRIBED"]
        rooms = {f"kato.{name.removesuffix('.py')}".removesuffix(".__init__") for name in listed}
        found = [
            each.name
            for each in modules("kato")
            if each.name in rooms or within(each.name, "kato.client")
        ]
        self.assertGreater(len(found), len(listed))
        return [import_module(each) for each in found]

    def public(self) -> Iterator[tuple[str, object]]:
        """Classes and functions, and what can be called of them, by name."""
        for module in self.described():
            exported = getattr(module, "__all__", None)
            for name, value in vars(module).items():
                own = getattr(value, "__module__", None) == module.__name__
                if name in exported if exported else own and not name.startswith("_"):
                    yield from self.parts(f"{module.__name__}.{name}", value)

    def parts(self, name: str, value: object) -> Iterator[tuple[str, object]]:
        """A class or a function, and the public members of a class."""
        if inspect.isclass(value) or inspect.isfunction(value):
            yield name, value
        if inspect.isclass(value):
            for inner in vars(value):
                member = inspect.getattr_static(value, inner)
                if not inner.startswith("_") and (
                    callable(member) or isinstance(member, property | staticmethod | classmethod)
                ):
                    yield f"{name}.{inner}", getattr(value, inner)

    def test_docstrings(self) -> None:
        """Each has a docstring, from which the reference is made: a class one of its own, a method
        perhaps that of the one whose place it takes."""
        public = dict(self.public())
        self.assertGreater(len(public), 200)
        bare = [name for name, value in public.items() if not docstring(value)]
        bare += [each.__name__ for each in self.described() if not each.__doc__]
        self.assertEqual(bare, [])

    def test_inherited(self) -> None:
        """A class whose parent has a docstring, and which has none itself, is found."""
        self.assertTrue(docstring(InvalidRequest))
        self.assertIsNone(docstring(type("Bare", (InvalidRequest,), {})))

    def test_values(self) -> None:
        """Each value of a module has a sentence behind it, for which pydoctor looks there."""
        bare = []
        for module in self.described():
            text = inspect.getsource(module)
            bare += [
                f"{module.__name__}.{name}"
                for name in self.undescribed(ast.parse(text).body)
                if not isinstance(getattr(module, name), TypeVar | ParamSpec)
            ]
        self.assertEqual(bare, [])

    def undescribed(self, body: list[ast.stmt]) -> Iterator[str]:
        """The public names that are given a value, and no docstring after it."""
        for statement, following in zip(body, [*body[1:], None], strict=True):
            targets = statement.targets if isinstance(statement, ast.Assign) else []
            targets += [statement.target] if isinstance(statement, ast.AnnAssign) else []
            told = isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant)
            for each in targets:
                if isinstance(each, ast.Name) and not each.id.startswith("_") and not told:
                    yield each.id

    def test_fields(self) -> None:
        """Each field of what clients and engine give is told of: where it is defined, or on the
        pages on the client and on REST, whose names it has."""
        there = {
            word
            for name in ("python.md", "rest.md", "explain.md", "concepts.md")
            for word in re.findall(r"\w+", " ".join(re.findall(r"`[^`]+`", page(name))))
        }
        there |= {*re.findall(r'"(\w+)":', page("rest.md"))}
        missing = []
        for name, value in self.public():
            if inspect.isclass(value) and is_dataclass(value) and self.is_given(value):
                beside = inspect.getsource(value)
                missing += [
                    f"{name}.{each.name}"
                    for each in fields(value)
                    if not each.name.startswith("_")
                    and each.name not in there
                    and not re.search(
                        rf"C\{{{each.name}\}}|^    {each.name}: .*\n    \"\"\"", beside, re.M
                    )
                ]
        self.assertEqual(missing, [])

    def is_given(self, kind: type) -> bool:
        """Whether programs get or give such values."""
        return any(
            getattr(module, name) is kind
            for module in (kato.client, kato.engine)
            for name in module.__all__
        )

    def test_client(self) -> None:
        """Each method of a client and of its processors stands in the page on the client."""
        described = set(re.findall(r"`(\w+)\(", page("python.md")))
        described |= set(re.findall(r"\bkato\.(\w+)\(", page("python.md")))
        missing = [
            f"{kind.__name__}.{name}"
            for kind in (kato.client.Client, kato.client.Processor)
            for name, value in inspect.getmembers(kind, callable)
            if not name.startswith("_") and name not in described
        ]
        self.assertEqual(missing, [])
