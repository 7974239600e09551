"""C{python -m kato.curve_keys}: keys of CURVE are made (docs/zeromq.md, "Between machines").

C{create FILE} writes the pair of a cluster, C{client NAME} prints what a client needs that is not
part of it.
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import zmq

from kato.curve_files import read_pair, write_new
from kato.protocols.zmq.curve import BadKeys, KeyPair, parse_name, written_pair

_CLUSTER = """The key pair of a cluster of KATO's, for --curve at each gateway and service.
Who can read this is part of the cluster: keep it secret, and hand it over like a password."""

_CLIENT = """Keys of {name}, a client of a cluster of KATO's, which keeps none of them.
The server knows it by this line in the file of --curve-clients:
{name} {public}"""


def _parser(cluster: str | None) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="kato-manager.sh curve", allow_abbrev=False)
    commands = made.add_subparsers(dest="kind", required=True)
    create = commands.add_parser("create", allow_abbrev=False)
    create.add_argument("file", type=Path)
    client = commands.add_parser("client", allow_abbrev=False)
    client.add_argument("name")
    client.add_argument("--curve", metavar="FILE", type=Path, default=cluster, required=not cluster)
    return made


def new_pair() -> KeyPair:
    """A pair that nobody has."""
    return KeyPair(*zmq.curve_keypair())


def create(file: Path) -> str:
    """Make the pair of a cluster; gives what there is to say.

    @raise OSError: where the file is there already, or cannot be written.
    """
    write_new(file, written_pair(new_pair(), _CLUSTER))
    return f"{file} is the key of a cluster: --curve {file} at each of its gateways and services\n"


def client(name: str, cluster: Path) -> str:
    """Make the pair of a client; gives the file that it needs.

    @param cluster: the file of the cluster, of which a client is told the public half.
    @raise BadKeys: where this is no name, or the cluster's file is of no use.
    """
    pair = new_pair()
    about = _CLIENT.format(name=parse_name(name), public=pair.public.decode())
    return written_pair(pair, about, {"server-key": read_pair(cluster).public})


def run(words: Sequence[str], environment: Mapping[str, str]) -> int:
    """Make what is wanted, and give the exit status."""
    typed = _parser(environment.get("KATO_CURVE")).parse_args(words)
    try:
        said = create(typed.file) if typed.kind == "create" else client(typed.name, typed.curve)
    except (BadKeys, OSError) as error:
        sys.stderr.write(f"kato-manager: {error}\n")
        return 1
    sys.stdout.write(said)
    return 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], os.environ))
