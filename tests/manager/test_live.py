"""The manager with real servers, as a person meets it."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import psutil
from twisted.trial.unittest import SynchronousTestCase

from kato.manager.registry import Instance, Registry
from kato.manager.system import System
from tests.certificates import Identity
from tests.live.ports import HeldPort
from tests.source import ROOT

PATIENCE = 60.0
"""Seconds after which a command that does not end fails the test."""


class LiveManagerTests(SynchronousTestCase):
    """C{python -m kato.manager}, in a home of its own."""

    def setUp(self) -> None:
        self.home = Path(self.mktemp()).absolute()
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("KATO_")},
            "KATO_HOME": str(self.home),
            "PYTHONPATH": str(ROOT),
        }
        self.addCleanup(self.end_all)

    def end_all(self) -> None:
        system = System()
        for each in Registry(self.home).read().values():
            if system.is_running(each.pid, each.birth):
                system.end(each.pid, at_once=True)

    def command(self, line: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "kato.manager", *line.split()],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def type(self, line: str, status: int = 0) -> str:
        """Type a command that is to end with this status; gives what is printed."""
        with self.command(line) as process:
            said, _ = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, status, said)
        return said

    def instance(self, instance_id: str) -> Instance:
        return Registry(self.home).read()[instance_id]

    def try_out(self, said: str) -> list[str]:
        """Do what a start says one may try; gives the answers."""
        return [_curl(line) for line in said.splitlines() if line.strip().startswith("curl ")]

    def test_life(self) -> None:
        """Servers are started side by side, watched, killed, started again with all they learned,
        and stopped."""
        said = self.type("start --name Weather")
        first = self.instance("kato")
        self.assertIn(f"kato is ready at {first.url}", said)
        answers = self.try_out(said)
        self.assertEqual(len(answers), 6)
        self.assertRegex(answers[-1], r'"predictions":\[\{"type":"prototypical"')
        self.assertIn("kato (Weather): ready", self.type("status"))
        self.assertIn("runs already", self.type("start"))
        self.assertIn(" ready\n", self.type("logs -n 100"))

        self.try_out(self.type("start --id second"))
        second = self.instance("second")
        assert first.port is not None and second.port is not None
        self.assertNotEqual(second.port, first.port)
        self.assertEqual(len(re.findall(r"(?m)^\S+ +\S+ +ready ", self.type("list"))), 2)

        with self.command("logs -f --id second") as following:
            assert following.stdout is not None
            following.stdout.readline()
            os.kill(second.pid, signal.SIGKILL)
            following.communicate(timeout=PATIENCE)
        self.assertEqual(following.returncode, 0)
        self.assertIn("second (second): dead", self.type("status --id second", 3))
        self.assertRegex(self.type("list"), r"(?m)^second +second +dead ")

        self.type("start --id second")
        again = self.instance("second")
        self.assertEqual(again.url, second.url)
        self.assertIn('"total":1', _curl(f"curl {again.url}/p1/models"))

        self.assertIn("second has stopped", self.type("stop --id second"))
        self.assertIn("kato has stopped", self.type("stop"))
        self.assertIn("kato (Weather): stopped", self.type("status", 3))

    def test_refused(self) -> None:
        """What the gateway refuses is shown, and the manager ends with status 1."""
        said = self.type("start --storage memory: --frobnicate", 1)
        self.assertIn("frobnicate", said)
        self.assertNotIn("Traceback", said)

    def test_port_and_key(self) -> None:
        """A port is given if nobody has it.  A key is asked for by the server, and shows in no list
        of processes."""
        port = self.port()
        with socket.create_server(("127.0.0.1", port)):
            said = self.type(f"start --port {port}", 1)
        self.assertIn(f"--port {port}: another process uses it", said)
        self.type(f"start --port {port} --storage memory: --api-key hush-hush")
        instance = self.instance("kato")
        self.assertEqual(instance.port, port)
        self.assertNotIn("hush-hush", " ".join(psutil.Process(instance.pid).cmdline()))
        self.assertIn("UNAUTHORIZED", _curl(f"curl {instance.url}/stats"))
        self.assertIn('"okay"', _curl(f"curl -H 'X-API-Key: hush-hush' {instance.url}/stats"))
        self.assertIn("give it again", self.type("restart", 1))
        self.assertIn("ready", self.type("status"))
        self.type("stop")

    def test_tls(self) -> None:
        """A server with TLS is watched as any other, its address says so, and it reads its
        certificate again when it is told to."""
        folder = self.home.parent / "tls"
        Identity.make("first").write(folder)
        files = f"privateKey={folder / 'key.pem'}:certKey={folder / 'cert.pem'}"
        listen = f"ssl:{self.port()}:interface=127.0.0.1:{files}"
        said = self.type(f"start --storage memory: --listen {listen}")
        instance = self.instance("kato")
        self.assertIn(f"kato is ready at {instance.url}", said)
        self.assertTrue(instance.url.startswith("https://127.0.0.1:"), instance.url)
        self.assertIn("kato (kato): ready", self.type("status"))
        (folder / "cert.pem").write_text("nonsense", encoding="utf-8")
        self.assertIn("kato reads again", self.type("reload"))
        self.until_logged("it holds no certificate in PEM; what was read before stays in use")
        Identity.make("second").write(folder)
        self.type("reload")
        self.until_logged("read again")
        self.assertIn("kato (kato): ready", self.type("status"))
        self.type("stop")
        self.assertIn("kato does not run", self.type("reload", 1))

    def until_logged(self, words: str) -> None:
        """Follow the log of a server until it says this."""
        with self.command("logs -f -n 1000") as following:
            assert following.stdout is not None
            self.assertTrue(any(words in line for line in following.stdout), words)
            following.terminate()
            following.communicate(timeout=PATIENCE)

    def port(self) -> int:
        """One that no other test takes."""
        held = HeldPort()
        self.addCleanup(held.close)
        return held.port

    def test_services(self) -> None:
        """A server gets services, and keeps what it knows; new processors are placed on all of
        them.  Whichever process dies is told, and brought back with all that it learned."""
        self.type(f"start --port {self.port()}")
        url = self.instance("kato").url
        self.teach(f"{url}/p0")
        said = self.type("restart --services 2 --api-key hush-hush")
        self.environment["KATO_API_KEY"] = "hush-hush"
        for name in ("kato", "kato.1", "kato.2"):
            self.assertNotIn("hush-hush", " ".join(psutil.Process(self.pid(name)).cmdline()))
        self.assertIn(f"  kato.2  {self.instance('kato.2').url}  (process", said)
        for processor in ("p1", "p2"):
            self.teach(f"{url}/{processor}")
        listed = self.get(f"{url}/processors")["processors"]
        owners = {each["id"]: each["service"] for each in listed}
        places = [self.instance(f"kato.{number}").url.removeprefix("tcp://") for number in (1, 2)]
        self.assertEqual(owners["p0"], places[0])
        self.assertEqual(set(owners.values()), set(places))

        for name in ("kato.1", "kato.2", "kato"):
            before = self.instance(name)
            os.kill(self.pid(name), signal.SIGKILL)
            self.assertRegex(self.type("status", 3), rf"{name}\b.*: dead")
            self.assertIn("is ready", self.type("start"))
            self.assertEqual(self.instance(name).storage, before.storage)
            for processor in ("p0", "p1", "p2"):
                self.assertEqual(self.get(f"{url}/{processor}/models")["total"], 1)
        self.assertRegex(self.type("list"), r"(?m)^kato\.2 .* ready ")
        self.assertIn("ready", self.type("logs --service 2"))
        self.type("stop")
        self.assertEqual(self.type("list").count(" stopped "), 3)

    def test_moving(self) -> None:
        """What a running server holds is copied, comes from the copy into another server, and the
        copy comes back into the first one."""
        self.try_out(self.type(f"start --port {self.port()}"))
        file, copy = self.home / "file", self.home / "copy.db"
        said = self.type(f"export {file}", 1)
        self.assertIn("stop that first", said)
        self.assertEqual(said.count("\n"), 1)
        self.assertIn("copied 1 processor, 1 model ", self.type(f"backup {copy}"))
        self.assertIn("exported 1 pr", self.type(f"export {file} --storage sqlite:{copy}"))
        self.assertIn("p1: imported (1 model)", self.type(f"import {file} --id second"))
        self.type(f"start --id second --port {self.port()}")
        url = self.instance("second").url
        self.assertIn('"total":1', _curl(f"curl {url}/p1/models"))
        self.type("stop --id second")

        self.teach(self.instance("kato").url + "/p1")
        self.type("stop")
        self.assertIn("instances/kato/kato.db.old-1\n", self.type(f"restore {copy}"))
        self.type("start")
        self.assertIn('"total":1', _curl(f"curl {self.instance('kato').url}/p1/models"))
        self.type("stop")

    def test_refused_by_services(self) -> None:
        """What a service refuses is shown, and nothing is left running."""
        said = self.type(f"start --services 2 --port {self.port()} --rank-by beauty", 1)
        self.assertIn("kato: --rank-by: ", said)
        self.assertNotIn("Traceback", said)
        for each in Registry(self.home).read().values():
            self.assertFalse(System().is_running(each.pid, each.birth), each.id)

    def pid(self, instance_id: str) -> int:
        return self.instance(instance_id).pid

    def teach(self, url: str) -> None:
        """Have a processor learn something."""
        for word in ("get", "set"):
            self.post(f"{url}/observe", {"strings": [word]})
        self.post(f"{url}/learn", {})

    def get(self, url: str) -> Any:
        return self.sent(urllib.request.Request(url))

    def post(self, url: str, body: object) -> None:
        self.sent(urllib.request.Request(url, json.dumps(body).encode()))

    def sent(self, request: urllib.request.Request) -> Any:
        request.add_header("X-API-Key", self.environment.get("KATO_API_KEY", ""))
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            answer = json.load(response)
        self.assertEqual(answer["status"], "okay")
        return answer


def _curl(line: str) -> str:
    """Do what this line does in a shell; gives the answer."""
    words = iter(shlex.split(line)[1:])
    headers, method, data, url = {}, "GET", None, ""
    for word in words:
        if word == "-H":
            name, _, value = next(words).partition(": ")
            headers[name] = value
        elif word == "-d":
            method, data = "POST", next(words).encode()
        elif word == "-X":
            method = next(words)
        else:
            url = word
    request = urllib.request.Request(url, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            body: bytes = response.read()
    except urllib.error.HTTPError as error:
        with error:
            body = error.read()
    return body.decode()
