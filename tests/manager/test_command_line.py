"""From what is typed to what is run (SPEC 10)."""

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from kato.manager.command_line import (
    answers_at,
    choose_port,
    handed_over,
    judge_keys,
    known_key,
    launch,
    launch_service,
    values,
    way_of_key,
    with_environment,
    without_keys,
)
from kato.manager.trouble import Trouble


class PortTests(SynchronousTestCase):
    """L{choose_port}."""

    def test_ports(self) -> None:
        """The port given, else the one before, else the next that nobody has."""
        self.assertEqual(choose_port(9000, 8001, [], lambda port: True), 9000)
        self.assertEqual(choose_port(None, 8001, [], lambda port: True), 8001)
        self.assertEqual(choose_port(None, None, [8000, 8002], lambda port: port != 8001), 8003)
        self.assertEqual(choose_port(None, 8001, [], lambda port: port != 8001), 8000)

    def test_wrong_ports(self) -> None:
        """A port that is in use, or none, is named."""
        for port, is_free in ((9000, False), (0, True), (65536, True)):
            with self.assertRaises(Trouble) as caught:
                choose_port(port, None, [], {port: is_free}.__getitem__)
            self.assertIn(f"--port {port}", str(caught.exception))

    def test_none_left(self) -> None:
        """Where no port is free, that is said."""
        with self.assertRaises(Trouble) as caught:
            choose_port(None, None, [], lambda port: False)
        self.assertIn("no port from 8000 on", str(caught.exception))


class KeysTests(SynchronousTestCase):
    """L{judge_keys}."""

    def test_link(self) -> None:
        """A gateway whose services know keys needs one to show to them."""
        file, one = ["--api-keys", "keys.toml"], ["--api-key-file", "key"]
        for options, environment in (
            ([], {}),
            (one, {}),
            ([*file, *one], {}),
            ([*file, "--api-key=k"], {}),
            (file, {"KATO_API_KEY": "k"}),
            (one, {"KATO_API_KEYS": "keys.toml"}),
        ):
            judge_keys(options, environment)
        for options, environment in ((file, {}), ([], {"KATO_API_KEYS": "keys.toml"})):
            with self.assertRaisesRegex(
                Trouble, "^--api-keys: with --services give --api-key-file"
            ):
                judge_keys(options, environment)


class LaunchTests(SynchronousTestCase):
    """L{launch}, and what it is made of."""

    def test_own(self) -> None:
        """The gateway listens on loopback and keeps its data in its folder, unless told else."""
        plan = launch(["--checkpoint", "1"], port=8001, folder=Path("/data/with space"))
        self.assertEqual(plan.url, "http://127.0.0.1:8001")
        self.assertEqual(plan.storage, "sqlite:///data/with%20space/kato.db")
        self.assertEqual(
            plan.command[1:],
            (
                *("-P", "-m", "kato.manager.twistd"),
                *("--nodaemon", "--pidfile=", "kato-gateway"),
                *("--listen", "tcp:8001:interface=127.0.0.1"),
                *("--storage", plan.storage),
                *("--checkpoint", "1"),
            ),
        )

    def test_told(self) -> None:
        """What was typed stands alone where it says all."""
        typed = ["--listen=ssl:8443:privateKey=k", "--storage", "memory:"]
        plan = launch(typed, port=None, folder=Path("/data"))
        self.assertEqual(
            (plan.url, plan.port, plan.storage), ("https://127.0.0.1:8443", None, "memory:")
        )
        self.assertEqual(plan.command[7:], tuple(typed))

    def test_keys(self) -> None:
        """A key is handed over where nobody can read it."""
        for typed in (["--api-key", "secret", "--open"], ["--api-key=secret", "--open"]):
            self.assertEqual(without_keys(typed), (["--open"], {"KATO_API_KEY": "secret"}))
        plan = launch(["--api-key", "secret"], port=8000, folder=Path("/data"))
        self.assertNotIn("secret", " ".join(plan.command))
        self.assertEqual(plan.environment, {"KATO_API_KEY": "secret"})

    def test_storage_with_a_password(self) -> None:
        """So is a storage that names a password; what is shown of it has none."""
        url = "mongodb://ann:s%40cret@host/kato"
        for last in (["--open", "--storage", url], [f"--storage={url}", "--open"]):
            typed = ["--storage", "memory:", *last]
            self.assertEqual(handed_over(typed), (["--open"], {"KATO_STORAGE": url}))
            for plan in (
                launch(typed, port=8000, folder=Path("/data")),
                launch_service(typed, port=1, events=2, registry=3, data=Path("/data")),
            ):
                self.assertNotIn("cret", " ".join(plan.command))
                self.assertNotIn("memory:", plan.command)
                self.assertEqual(plan.environment, {"KATO_STORAGE": url})
                self.assertEqual(plan.storage, "mongodb://…@host/kato")
        for plain in ("mongodb://host/kato", "sqlite:///a@b.db", "sqlite:a@b.db"):
            self.assertEqual(handed_over(["--storage", plain]), (["--storage", plain], {}))

    def test_way_of_key(self) -> None:
        """A key comes from a file that is named, from who starts the server, or from nowhere."""
        for options, environment, way in (
            ([], {}, "none"),
            (["--api-key", "secret"], {}, "handed"),
            ([], {"KATO_API_KEY": "secret"}, "handed"),
            ([], {"KATO_API_KEY_FILE": "path"}, "handed"),
            ([], {"KATO_API_KEY": ""}, "none"),
            (["--api-key-file=path"], {}, "file"),
            (["--api-key-file=path", "--api-keys=path"], {}, "file"),
            (["--api-keys", "path"], {}, "keys"),
            ([], {"KATO_API_KEYS": "path"}, "keys"),
        ):
            self.assertEqual(way_of_key(options, environment), way, (options, environment))

    def test_known_key(self) -> None:
        """A key is known where an option or the environment tells it, or a file that can be
        read."""
        folder = Path(self.mktemp())
        folder.mkdir()
        (folder / "key").write_text("filed\n", encoding="utf-8")
        (folder / "bytes").write_bytes(b"\xff")
        for options, environment, key in (
            ([], {}, None),
            (["--api-key=typed"], {"KATO_API_KEY": "set"}, "typed"),
            ([], {"KATO_API_KEY": "set"}, "set"),
            (["--api-key-file", "key"], {}, "filed"),
            ([], {"KATO_API_KEY_FILE": str((folder / "key").absolute())}, "filed"),
            (["--api-key-file", "gone"], {}, None),
            (["--api-key-file", "bytes"], {}, None),
        ):
            self.assertEqual(known_key(options, environment, folder), key, (options, environment))

    def test_values(self) -> None:
        """An option's values are found in both ways of writing, in the order typed."""
        self.assertEqual(values(["--a", "1", "--b=2", "--a=3"], "--a"), ["1", "3"])
        self.assertEqual(values(["--ab", "1", "--a"], "--a"), [""])

    def test_environment(self) -> None:
        """Where to listen and to store may stand in the environment, behind what is typed."""
        environment = {"KATO_LISTEN": "tcp:1 tcp:2", "KATO_STORAGE": "memory:"}
        for typed, port, found in (
            ([], None, ["--listen", "tcp:1", "--listen", "tcp:2", "--storage", "memory:"]),
            ([], 8001, ["--storage", "memory:"]),
            (["--listen=tcp:3"], None, ["--listen=tcp:3", "--storage", "memory:"]),
            (["--storage", "x"], 8001, ["--storage", "x"]),
        ):
            self.assertEqual(with_environment(typed, environment, port=port), found)
        self.assertEqual(with_environment(["--open"], {}, port=None), ["--open"])


class AddressTests(SynchronousTestCase):
    """L{answers_at}."""

    def test_addresses(self) -> None:
        """Where a server answers follows from where it listens."""
        for listen, url in (
            ("tcp:80", "http://127.0.0.1:80"),
            ("tcp:port=80", "http://127.0.0.1:80"),
            ("tcp:80:interface=0.0.0.0", "http://127.0.0.1:80"),
            ("tcp:80:interface=10.1.2.3", "http://10.1.2.3:80"),
            (r"tcp:80:interface=\:\:1", "http://[::1]:80"),
            ("tcp6:80", "http://[::1]:80"),
            (r"tcp6:80:interface=\:\:", "http://[::1]:80"),
            ("ssl:443:privateKey=k:interface=localhost", "https://localhost:443"),
        ):
            self.assertEqual(answers_at(listen), url)

    def test_nowhere(self) -> None:
        """What the manager cannot watch is refused by its name."""
        for listen in ("unix:/x", "tcp", "tcp:x", "tcp:0", "systemd:domain=INET:index=0", ""):
            with self.assertRaises(Trouble) as caught:
                answers_at(listen)
            self.assertIn(f"--listen {listen}: ", str(caught.exception))
