"""The documentation as a site: C{sphinx-build -W -c docs . SITE} (CONTRIBUTING.md)."""

import re
from pathlib import Path
from typing import Any

import kato

project = "KATO on Twisted"
author = "The KATO on Twisted authors"
release = version = kato.__version__
root_doc = "docs/README"
include_patterns = ["docs/**.md", "*.md", "benchmarks/README.md"]
exclude_patterns = ["README.md"]
extensions = ["myst_parser"]
myst_heading_anchors = 4
html_theme = "furo"
html_title = f"{project} {version}"
html_copy_source = False
