"""How the documentation becomes a site; C{python docs/build.py SITE} builds it.

The pages are plain Markdown that GitHub shows as well.  What stands here alone is what GitHub does
not need: the navigation, which is made of the links of docs/README.md, and pages of reference that
are made of the code.
"""

import re
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
sys.path.insert(0, str(HERE))

import reference  # noqa: E402

import kato  # noqa: E402

project = "KATO on Twisted"
author = "The KATO on Twisted authors"
release = version = kato.__version__
root_doc = "docs/README"
include_patterns = ["docs/**.md", "CHANGELOG.md", "CONTRIBUTING.md", "benchmarks/README.md"]
extensions = ["myst_parser"]
myst_heading_anchors = 4
html_theme = "furo"
html_title = f"{project} {version}"
html_copy_source = False

_SECTION = re.compile(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", re.M | re.S)
_LINK = re.compile(r"\]\(([^)#:]+)\.md\)")


def navigation(index: str) -> str:
    """Tables of contents, as MyST reads them, of the sections of the index.

    @param index: docs/README.md.
    """
    sections = {title: _LINK.findall(text) for title, text in _SECTION.findall(index)}
    sections["Reference"] = [f"reference/{name}" for name in reference.PAGES]
    return "".join(_contents(title, pages) for title, pages in sections.items() if pages)


def _contents(title: str, pages: list[str]) -> str:
    listed = "\n".join(pages)
    return f"\n```{{toctree}}\n:hidden:\n:caption: {title}\n\n{listed}\n```\n"


def _with_navigation(app: Any, page: str, source: list[str]) -> None:
    if page == root_doc:
        source[0] += navigation(source[0])


def setup(app: Any) -> None:
    """Hook in what is made of the code, as Sphinx asks its configuration to."""
    reference.write(HERE / "reference")
    app.connect("source-read", _with_navigation)
