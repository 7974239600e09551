"""The Dockerfile, as far as it says how an image is run."""

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.source import ROOT

PATH = ROOT / "Dockerfile"

_COMMENT = re.compile(r"^\s*#.*\n", re.MULTILINE)
_CONTINUED = re.compile(r"\\\n\s*")
_HEALTH = re.compile(r"^(--\S+\s+)*CMD\s+")
_TEXTS = {"USER": "user", "WORKDIR": "folder"}
_LISTS = {"ENTRYPOINT": "entrypoint", "CMD": "command"}


@dataclass(frozen=True, slots=True)
class Image:
    """How an image is run; C{copied} is what comes into it from the checkout."""

    environment: Mapping[str, str] = field(default_factory=dict)
    user: str = "0:0"
    folder: str = "/"
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    health: tuple[str, ...] = ()
    copied: tuple[str, ...] = ()

    def after(self, instruction: str, words: str) -> "Image":
        """The image after one more instruction."""
        told: dict[str, Any] = {}
        if instruction in _TEXTS:
            told[_TEXTS[instruction]] = words
        elif instruction in _LISTS:
            told[_LISTS[instruction]] = tuple(json.loads(words))
        elif instruction == "ENV":
            said = dict(each.split("=", 1) for each in shlex.split(words))
            told["environment"] = {**self.environment, **said}
        elif instruction == "HEALTHCHECK":
            told["health"] = tuple(json.loads(_HEALTH.sub("", words)))
        elif instruction == "COPY" and not words.startswith("--from="):
            told["copied"] = (*self.copied, *words.split()[:-1])
        return replace(self, **told)


def images(text: str) -> dict[str, Image]:
    """The stages of a Dockerfile."""
    stages: dict[str, Image] = {}
    now = ""
    for line in _CONTINUED.sub(" ", _COMMENT.sub("", text)).splitlines():
        instruction, _, words = line.strip().partition(" ")
        if instruction == "FROM":
            base, _, now = words.split()
            stages[now] = stages.get(base, Image())
        elif now and instruction:
            stages[now] = stages[now].after(instruction, words.strip())
    return stages


def read(path: Path = PATH) -> dict[str, Image]:
    """The stages of our Dockerfile."""
    return images(path.read_text(encoding="utf-8"))
