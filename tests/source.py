"""The project's own source, as the tests of its house read it."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

TREES = ("kato", "twisted", "tests", "benchmarks", "examples")


@dataclass(frozen=True)
class Module:
    """A module by its dotted name, with its text."""

    name: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.name)

    @property
    def imports(self) -> frozenset[str]:
        """All that it imports, wherever it does: C{from a import b} is C{a} and C{a.b}."""
        return frozenset(_imported(ast.walk(self.tree)))

    @property
    def imports_at_once(self) -> frozenset[str]:
        """What it imports when it is imported itself, not when a function is called."""
        return frozenset(_imported(_outside_functions(self.tree)))


def modules(*trees: str) -> list[Module]:
    """The modules below these folders of the checkout, or below all of L{TREES}."""
    return [
        Module(_name(path), path.read_text(encoding="utf-8"))
        for tree in trees or TREES
        for path in sorted((ROOT / tree).rglob("*.py"))
    ]


def within(name: str, room: str) -> bool:
    """Whether a dotted name is a room, or lies in it."""
    return name == room or name.startswith(f"{room}.")


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported(nodes: Iterator[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield module
            yield from (f"{module}.{each.name}" for each in node.names)


def _outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _outside_functions(child)
