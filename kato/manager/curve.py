"""Keys for links between machines: the work is done by C{kato.curve_keys}."""

import argparse
import sys
from pathlib import Path
from typing import NoReturn

from kato.manager.system import System

_ABOUT = "make keys that encrypt ZeroMQ between machines"


def add_curve(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command C{curve}, with what may be typed behind it."""
    curve = commands.add_parser("curve", help=_ABOUT, description=_ABOUT, allow_abbrev=False)
    kinds = curve.add_subparsers(dest="kind", metavar="KIND", required=True)

    def kind(name: str, text: str) -> argparse.ArgumentParser:
        return kinds.add_parser(name, help=text, description=text, allow_abbrev=False)

    create = kind("create", "write the key pair of a cluster, for --curve, which only you can read")
    create.add_argument("file", metavar="FILE", type=Path, help="it must not be there yet")
    client = kind("client", "print the keys of a client that is not part of the cluster")
    client.add_argument("name", metavar="NAME", help="by which the server knows it")
    client.add_argument(
        "--curve", metavar="FILE", type=Path, help="that of the cluster; KATO_CURVE if left out"
    )


def make_keys(typed: argparse.Namespace, *, system: System, folder: Path) -> NoReturn:
    """Go on as the program that makes keys.

    @param folder: where the person is who types.
    """
    words = [str(folder / typed.file)] if typed.kind == "create" else [typed.name]
    if typed.kind == "client" and typed.curve is not None:
        words = ["--curve", str(folder / typed.curve), *words]
    system.become(
        [sys.executable, "-P", "-m", "kato.curve_keys", typed.kind, *words],
        environment={},
        folder=folder,
    )
