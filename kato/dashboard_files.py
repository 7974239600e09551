"""The files of the dashboard, which lie in the package (SPEC 9)."""

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable

from kato.protocols.rest import Asset, Assets

_INDEX = "index.html"


def dashboard() -> Assets:
    """Read all of them: the page is at C{/}, what it loads below C{/static}."""
    top = files("kato") / "dashboard"
    page = Asset.make(_INDEX, (top / _INDEX).read_bytes())
    return {("",): page, **dict(_below(top / "static", ("static",)))}


def _below(folder: Traversable, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Asset]]:
    for each in folder.iterdir():
        here = (*path, each.name)
        if each.is_dir():
            yield from _below(each, here)
        elif Asset.is_known(each.name):  # what an editor left behind is none of ours
            yield here, Asset.make(each.name, each.read_bytes())
