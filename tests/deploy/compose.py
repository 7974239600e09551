"""A compose file, and the containers that it describes."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.container import Check, Container, Mounted
from tests.deploy.dockerfile import Image, read
from tests.source import ROOT

FAMILY = ROOT / "docker-compose.yml"
SINGLE = ROOT / "docker-compose.single.yml"

VARIABLE = re.compile(r"\$\{(\w+):-([^}]*)\}")
_UNITS = {"s": 1, "m": 60}
TWISTD = ("twistd", "--nodaemon", "--pidfile=")
"""What our images run, before all that is said of a service."""


def load(path: Path, environment: Mapping[str, str]) -> dict[str, Any]:
    """A compose file, with its variables put in."""
    loaded: dict[str, Any] = _filled(yaml.safe_load(path.read_text(encoding="utf-8")), environment)
    return loaded


def _filled(value: Any, environment: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(each, environment) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, environment) for each in value]
    if not isinstance(value, str):
        return value
    filled = VARIABLE.sub(lambda found: environment.get(found[1]) or found[2], value)
    if "$" in filled:
        raise AssertionError(f"a variable without a default: {value}")
    return filled


def containers(path: Path, environment: Mapping[str, str]) -> list[Container]:
    """Those of our own images."""
    stages = read()
    services = load(path, environment)["services"]
    ours = {name: said for name, said in services.items() if "build" in said}
    return [
        _container(name, said, stages[said["build"]["target"]], frozenset(ours))
        for name, said in ours.items()
    ]


def _container(name: str, said: Mapping[str, Any], image: Image, ours: frozenset[str]) -> Container:
    words = (*image.entrypoint, *said.get("command", image.command))
    if words[: len(TWISTD)] != TWISTD:
        raise AssertionError(f"{name} does not run twistd: {words}")
    secrets = {f"/run/secrets/{each}": Mounted("secret", each) for each in said.get("secrets", ())}
    volumes = dict(reversed(each.split(":")) for each in said.get("volumes", ()))
    return Container(
        name=name,
        words=words[len(TWISTD) :],
        environment={**image.environment, **said.get("environment", {})},
        user=said.get("user", image.user),
        folder=image.folder,
        check=Check(command=image.health),
        needs=tuple(each for each in said.get("depends_on", ()) if each in ours),
        mounted={**secrets, **{at: Mounted("volume", each) for at, each in volumes.items()}},
        grace=_seconds(said["stop_grace_period"]),
    )


def _seconds(written: str) -> float:
    return float(written[:-1]) * _UNITS[written[-1]]
