"""What is run: a container, whoever describes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Check:
    """How it is seen whether a container is well: by a command inside, or over HTTP."""

    command: tuple[str, ...] = ()
    path: str = ""
    port: int = 0


@dataclass(frozen=True, slots=True)
class Mounted:
    """What lies at a path of a container: a volume that is kept, or a secret in a file."""

    kind: Literal["volume", "secret"]
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A container of ours.

    @ivar name: the host name by which others reach it.
    @ivar words: what C{twistd} is told: a service and its options.
    @ivar check: whether it is well.
    @ivar needs: who must be well before it is started.
    @ivar mounted: what lies where.
    @ivar grace: seconds that it has to end.
    """

    name: str
    words: tuple[str, ...]
    environment: Mapping[str, str]
    user: str
    folder: str
    check: Check
    needs: tuple[str, ...] = ()
    mounted: Mapping[str, Mounted] = field(default_factory=dict)
    grace: float
