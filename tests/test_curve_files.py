"""Files with keys of CURVE, who makes them, and what is made of them."""

import os
import sys
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import zmq
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.python import usage
from twisted.trial.unittest import SynchronousTestCase

from kato.curve_files import read_clients, read_pair, write_new
from kato.curve_keys import run
from kato.encrypting import make_guard, make_sockets
from kato.gateway_options import GatewayOptions
from kato.health import run as ask_health
from kato.protocols.zmq.addresses import Address
from kato.protocols.zmq.curve import BadKeys, KeyPair, read_key, written_pair
from kato.reloading import Reloading
from kato.settings import Settings
from tests.doubles import at_once

PAIR = KeyPair(*zmq.curve_keypair())
OTHER = KeyPair(*zmq.curve_keypair())


class FilesCase(SynchronousTestCase):
    """A folder with the key of a cluster, and a list of clients."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.curve = self.folder / "kato.curve"
        write_new(self.curve, written_pair(PAIR, "a test"))
        self.clients = self.folder / "clients"
        self.clients.write_text(f"reports {OTHER.public.decode()}\n", encoding="utf-8")


class FileTests(FilesCase):
    """Files that are read."""

    def test_own(self) -> None:
        """What was written can be read by its owner alone, and is not written over."""
        self.assertEqual(self.curve.stat().st_mode & 0o777, 0o600)
        self.assertEqual(read_pair(self.curve), PAIR)
        self.assertRaises(OSError, write_new, self.curve, "")
        self.assertEqual(read_pair(self.curve), PAIR)

    def test_loose(self) -> None:
        """A pair that others can read is refused, with who can."""
        for mode, who in ((0o644, "everybody"), (0o602, "everybody"), (0o640, "its group")):
            self.curve.chmod(mode)
            error = self.assertRaises(BadKeys, read_pair, self.curve)
            self.assertEqual(
                str(error), f"{self.curve}: {who} can read this; chmod 600 keeps it secret"
            )

    def test_of_somebody_else(self) -> None:
        """What belongs to somebody else, who hands it over, may be read by our group."""
        self.curve.chmod(0o440)
        owner = SimpleNamespace(geteuid=lambda: self.curve.stat().st_uid + 1, fstat=os.fstat)
        with patch("kato.curve_files.os", owner):
            self.assertEqual(read_pair(self.curve), PAIR)

    def test_wrong(self) -> None:
        """What cannot be read, or holds something else, is told with its name."""
        missing = self.folder / "missing"
        for read in (read_pair, read_clients):
            self.assertIn(f"cannot read {missing}", str(self.assertRaises(BadKeys, read, missing)))
        self.curve.write_bytes(b"\xff")
        self.assertIn("cannot read", str(self.assertRaises(BadKeys, read_pair, self.curve)))
        self.curve.write_bytes(b"")
        self.assertIn("no public-key", str(self.assertRaises(BadKeys, read_pair, self.curve)))
        self.clients.write_text("reports", encoding="utf-8")
        self.assertIn(
            f"{self.clients}: line 1", str(self.assertRaises(BadKeys, read_clients, self.clients))
        )


class MakingTests(FilesCase):
    """C{python -m kato.curve_keys}."""

    def said(self, *words: str, status: int = 0, known: str = "") -> str:
        out, err = StringIO(), StringIO()
        self.patch(sys, "stdout", out)
        self.patch(sys, "stderr", err)
        self.assertEqual(run(words, {"KATO_CURVE": known}), status)
        self.assertEqual(bool(out.getvalue()), status == 0)
        return out.getvalue() or err.getvalue()

    def test_create(self) -> None:
        """A pair is made that nobody has, and one that is there is left alone."""
        file = self.folder / "new.curve"
        self.assertIn(f"--curve {file}", self.said("create", str(file)))
        pair = read_pair(file)
        self.assertNotEqual(pair, PAIR)
        self.assertEqual(zmq.curve_public(pair.secret), pair.public)
        self.assertIn("File exists", self.said("create", str(file), status=1))
        self.assertEqual(read_pair(file), pair)

    def test_client(self) -> None:
        """A client is told its keys and that of the server, and which line the server needs."""
        for words, known in ((("--curve", str(self.curve)), ""), ((), str(self.curve))):
            said = self.said("client", "reports", *words, known=known)
            self.assertIn(f'server-key = "{PAIR.public.decode()}"', said)
            self.assertNotIn(PAIR.secret.decode(), said)
            [line] = [each[2:] for each in said.splitlines() if each.startswith("# reports ")]
            self.clients.write_text(line, encoding="utf-8")
            [(key, name)] = read_clients(self.clients).items()
            self.assertEqual(name, "reports")
            keys = dict(
                each.split(" = ") for each in map(str.strip, said.splitlines()) if " = " in each
            )
            self.assertEqual(read_key(keys["public-key"].strip('"').encode()), key)

    def test_wrong(self) -> None:
        """What is no name, or no cluster, is told in one line."""
        said = self.said("client", "a b", "--curve", str(self.curve), status=1)
        self.assertIn("'a b' is no name", said)
        said = self.said("client", "a", "--curve", str(self.clients), status=1)
        self.assertEqual(said.count("\n"), 1)

    def test_as_pyzmq_reads_it(self) -> None:
        """pyzmq reads the file of a pair as a certificate."""
        from zmq.auth import load_certificate

        self.assertEqual(load_certificate(self.curve), (PAIR.public, PAIR.secret))


class OptionTests(FilesCase):
    """C{--curve} and C{--curve-clients}."""

    def parse(self, *arguments: str, **environment: str) -> Settings:
        options = GatewayOptions(environment)
        options.parseOptions(arguments)
        return options.settings

    def test_given(self) -> None:
        """Both are read, and may be told by the environment."""
        told = self.parse("--curve", str(self.curve), "--curve-clients", str(self.clients))
        self.assertEqual((told.curve, told.curve_clients), (PAIR, self.clients.absolute()))
        told = self.parse(KATO_CURVE=str(self.curve), KATO_CURVE_CLIENTS=str(self.clients))
        self.assertEqual((told.curve, told.curve_clients), (PAIR, self.clients.absolute()))

    def test_wrong(self) -> None:
        """What is of no use is told by its option."""
        loose = self.folder / "loose"
        loose.write_text("", encoding="utf-8")
        loose.chmod(0o644)
        for arguments, why in (
            (["--curve", str(loose)], "--curve: .*everybody can read this"),
            (["--curve-clients", str(self.clients)], "there is no --curve to go with it"),
            (
                ["--curve", str(self.curve), "--curve-clients", str(self.curve)],
                "--curve-clients: .*line 2: expected a name and a public key",
            ),
        ):
            error = self.assertRaises(usage.UsageError, self.parse, *arguments)
            self.assertRegex(str(error), why)


class EncryptingTests(FilesCase):
    """What is made of them."""

    def made(self, settings: Settings) -> list[str]:
        """What is logged while sockets are made."""
        guard = make_guard(settings, Reloading(), clock=Clock())
        with capturedLogs() as logs:
            make_sockets(settings, guard, reactor=Clock(), in_thread=at_once)
        return [each["options"] for each in logs]

    def test_in_the_clear(self) -> None:
        """Whoever is heard by other machines in the clear is warned of, in one line."""
        everywhere, here = Address("0.0.0.0", 1), Address("127.0.0.1", 2)
        both = Settings(zmq=everywhere, registry=Address("*", 3))
        self.assertEqual(self.made(both), ["--zmq tcp://0.0.0.0:1, --registry tcp://*:3"])
        self.assertEqual(self.made(Settings(zmq=here, registry=here)), [])
        self.assertEqual(self.made(Settings(zmq=everywhere, curve=PAIR)), [])

    def test_torn(self) -> None:
        """Halves that do not belong together are refused in one line."""
        said = StringIO()
        self.patch(sys, "stderr", said)
        torn = Settings(curve=KeyPair(PAIR.public, OTHER.secret))
        self.assertRaises(SystemExit, self.made, torn)
        self.assertIn("kato: --curve: its public and its secret key do not", said.getvalue())

    def test_read_again(self) -> None:
        """The list of clients is read again; one that is of no use changes nothing."""
        reloading = Reloading()
        settings = Settings(curve=PAIR, curve_clients=self.clients)
        guard = make_guard(settings, reloading, clock=Clock())
        assert guard is not None, "there is a key"
        self.assertEqual(guard.statistics()["clients"], 1)
        for text, clients in ((" wrong", 1), ("", 0)):
            self.clients.write_text(text, encoding="utf-8")
            with capturedLogs() as logs:
                reloading.read_again()
            self.assertEqual([each["what"] for each in logs], ["--curve-clients"])
            self.assertEqual(guard.statistics()["clients"], clients)

    def test_health(self) -> None:
        """A check that has no use of the key says so."""
        said = StringIO()
        self.patch(sys, "stderr", said)
        self.curve.chmod(0o644)
        environment = {"KATO_CURVE": str(self.curve)}
        self.assertEqual(ask_health(["tcp://127.0.0.1:1/live"], environment), 1)
        self.assertIn("KATO_CURVE: ", said.getvalue())
