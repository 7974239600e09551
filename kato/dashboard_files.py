"""What is served as it is: the files of our pages, which lie in the package, and the description of
REST (SPEC 9)."""

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from kato.codec import encode_json
from kato.limits import Limits
from kato.protocols.rest import Asset, Assets
from kato.protocols.rest.openapi import description

_INDEX = "index.html"
_DESCRIPTION = "openapi.json"


@cache
def dashboard(limits: Limits) -> Assets:
    """Read all of them, once: the dashboard is at C{/}, what pages load below C{/static}; the
    description is at C{/openapi.json}, the page that shows it at C{/docs}, one on which to try
    GraphQL at C{/graphql}, and both among the files, too.

    @param limits: those that the description tells.
    """
    top = files("kato") / "dashboard"
    page = Asset.make(_INDEX, (top / _INDEX).read_bytes())
    below = dict(_below(top / "static", ("static",)))
    return {
        ("",): page,
        ("docs",): below["static", "docs", _INDEX],
        ("graphql",): below["static", "graphql", _INDEX],
        (_DESCRIPTION,): Asset.make(_DESCRIPTION, encode_json(description(limits))),
        **below,
    }


def _below(folder: Traversable, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Asset]]:
    for each in folder.iterdir():
        here = (*path, each.name)
        if each.is_dir():
            yield from _below(each, here)
        elif Asset.is_known(each.name):  # what an editor left behind is none of ours
            yield here, Asset.make(each.name, each.read_bytes())
