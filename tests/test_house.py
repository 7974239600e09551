"""Rules of the house that the linters do not know."""

import ast
import configparser
import inspect
import re
import sys
import tomllib
from importlib import import_module

from twisted.trial.unittest import SynchronousTestCase, TestCase

from tests.pages import faults, names, page, rows, section, told
from tests.source import ROOT, Module, modules, within


def tests_that_never_run(cls: type) -> list[str]:
    """Coroutines among the tests of a class that waits for none: trial passes them unrun."""
    if issubclass(cls, TestCase) or not issubclass(cls, SynchronousTestCase):
        return []
    return [
        f"{cls.__module__}.{cls.__name__}.{name}"
        for name, test in inspect.getmembers(cls, inspect.iscoroutinefunction)
        if name.startswith("test")
    ]


def sleeps(module: Module) -> list[str]:
    """Calls that wait for time to pass."""
    return [
        f"{module.name}, line {each.lineno}"
        for each in ast.walk(module.tree)
        if isinstance(each, ast.Call) and ast.unparse(each.func) in ("time.sleep", "sleep")
    ]


class TestsTests(SynchronousTestCase):
    """The tests themselves."""

    def test_all_run(self) -> None:
        """No test is a coroutine that nobody awaits."""
        found = [
            cls
            for module in modules("tests")
            for _, cls in inspect.getmembers(import_module(module.name), inspect.isclass)
        ]
        self.assertIn(TestsTests, found)
        self.assertEqual([each for cls in found for each in tests_that_never_run(cls)], [])

    def test_never_run(self) -> None:
        """A coroutine in a class of synchronous tests is found."""

        async def test(self: object) -> None:
            """Would be run by a class that waits."""

        idle = type("Idle", (SynchronousTestCase,), {"test_it": test})
        waits = type("Waits", (TestCase,), {"test_it": test})
        self.assertEqual(tests_that_never_run(idle), ["tests.test_house.Idle.test_it"])
        self.assertEqual(tests_that_never_run(waits), [])

    def test_no_sleep(self) -> None:
        """No test sleeps: it waits for what it needs, or moves a clock."""
        self.assertEqual([each for module in modules("tests") for each in sleeps(module)], [])

    def test_sleep(self) -> None:
        """A test that sleeps is found."""
        text = "def test():\n    time.sleep(1)"
        self.assertEqual(sleeps(Module("tests.a", text)), ["tests.a, line 2"])


_IMPORTED_AS = {
    "graphql-core": "graphql",
    "prometheus-client": "prometheus_client",
    "pyOpenSSL": "OpenSSL",
    "pyzmq": "zmq",
    "zope.interface": "zope",
}
"""Libraries that are imported under another name than they are installed under."""

_ALSO = {"bson": "pymongo"}
"""Packages that come with a library of another name."""


_EXTRAS = "options.extras_require"


def library(required: str) -> str:
    """The name of what is required."""
    return re.split(r"[<>=]", required)[0]


def imported(found: list[Module]) -> set[str]:
    """The libraries that modules import."""
    names = {name.partition(".")[0] for module in found for name in module.imports}
    return {_ALSO.get(each, each) for each in names - {"kato", *sys.stdlib_module_names}}


class PackagingTests(SynchronousTestCase):
    """What C{setup.cfg} says is what is there."""

    def setUp(self) -> None:
        self.config = configparser.ConfigParser()
        self.config.read(ROOT / "setup.cfg", encoding="utf-8")

    def lines(self, section: str, option: str) -> list[str]:
        return self.config[section][option].split("\n")[1:]

    def test_packages(self) -> None:
        """Every package is shipped; a folder of another project's package is not made one."""
        packages = [
            ".".join(path.parent.relative_to(ROOT).parts)
            for path in (ROOT / "kato").rglob("__init__.py")
        ]
        self.assertEqual(
            sorted(self.lines("options", "packages")), sorted([*packages, "twisted.plugins"])
        )
        self.assertEqual(list((ROOT / "twisted").rglob("__init__.py")), [])

    def test_requirements(self) -> None:
        """What is required is what C{kato} imports, no more and no less, and each is bounded; what
        TLS, the client and the program need are extras."""
        found = modules("kato")
        client = [each for each in found if within(each.name, "kato.client")]
        program = [each for each in found if within(each.name, "kato.cli")]
        server = [each for each in found if each not in (*client, *program)]
        required = self.lines("options", "install_requires")
        tls = [each for each in self.lines(_EXTRAS, "tls") if each != "Twisted[tls]"]
        self.assertEqual(self.named([*required, *tls]), imported(server))
        own = self.lines(_EXTRAS, "client")
        self.assertEqual(self.named(own), imported(client) - self.named(required))
        typed = self.lines(_EXTRAS, "cli")
        self.assertLessEqual({*own}, {*typed})
        self.assertEqual(self.named(typed), imported([*client, *program]) - self.named(required))
        for each in (*required, *tls, *typed):
            self.assertRegex(each, r"^[A-Za-z.-]+>=[\d.]+,<[\d.]+$")

    def named(self, required: list[str]) -> set[str]:
        """What is imported of what is required."""
        return {_IMPORTED_AS.get(each, each.lower()) for each in map(library, required)}

    def test_decisions(self) -> None:
        """Every dependency has its reason written down, once and with the extras that bring it, and
        no other library has."""
        text = page("decisions/dependencies.md")
        server = told(section(text, "## What a server needs"))
        required = self.lines("options", "install_requires")
        self.assertEqual(faults(map(library, required), server), [])
        extras: dict[str, set[str]] = {}
        for extra in self.config[_EXTRAS]:
            for each in self.lines(_EXTRAS, extra):
                extras.setdefault(library(each), set()).add(extra)
        table = section(text, "## Extras")
        self.assertEqual(faults(extras, told(table)), [])
        brought = {names(row[:1])[0]: {*names(row[1:2])} for row in rows(table) if names(row[:1])}
        self.assertEqual({k: v for k, v in brought.items() if v != extras[k]}, {})

    def test_described(self) -> None:
        """The page that package indexes show has no links or pictures of this folder, where they
        would lead nowhere."""
        shown = self.config["metadata"]["long_description"].removeprefix("file: ")
        text = (ROOT / shown).read_text(encoding="utf-8")
        self.assertIn("pip install", text)
        self.assertEqual(re.findall(r"\]\((?!https?://)[^)]*\)", text), [])

    def test_version(self) -> None:
        """The version stands in one place, and the newest change in the log of changes is its."""
        found = [each for each in modules("kato") if "__version__ =" in each.text]
        self.assertEqual([each.name for each in found], ["kato"])
        version = ast.literal_eval(found[0].text.rpartition("=")[2].strip())
        changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
        newest = re.search(r"^## (\S+)", changes, re.MULTILINE)
        self.assertIsNotNone(newest)
        assert newest is not None
        self.assertEqual(newest.group(1), version)

    def test_pythons(self) -> None:
        """The Pythons that are told to be supported are those that wheels are tried with."""
        told = re.findall(r"Python :: 3\.(\d+)$", self.config["metadata"]["classifiers"], re.M)
        with (ROOT / "pyproject.toml").open("rb") as file:
            built = tomllib.load(file)["tool"]["cibuildwheel"]["build"]
        self.assertEqual([f"cp3{minor}-*" for minor in told], built.split())
        self.assertIn(f">=3.{told[0]}", self.config["options"]["python_requires"])

    def test_plugin(self) -> None:
        """The plugin names a module that is there, with what C{twistd} looks for in it."""
        [plugin] = [each for each in modules("twisted") if within(each.name, "twisted.plugins")]
        gateway = next(each for each in modules("kato") if each.name == "kato.gateway")
        self.assertIn('"kato.gateway"', plugin.text)
        defined = {getattr(each, "name", None) for each in gateway.tree.body}
        self.assertLessEqual({"Options", "makeService"}, defined)
