"""The options of a gateway, and what is made of them (SPEC 10)."""

import io
import sys
from ipaddress import ip_network
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

from twisted.python import usage
from twisted.trial.unittest import SynchronousTestCase

from kato.commands import Scope
from kato.gateway_options import GatewayOptions as Options
from kato.genes import Genes
from kato.key_file import StoredKey, write_key
from kato.limits import Limits
from kato.policy import Key
from kato.protocols.zmq.addresses import Address
from kato.service_options import ServiceOptions
from kato.settings import LISTEN, ZMQ, Settings
from tests.engine.providers import built


def parse(*arguments: str, **environment: str) -> Settings:
    options = Options(environment)
    options.parseOptions(arguments)
    return options.settings


def under_twistd(**parent: Any) -> Options:
    """Options as twistd makes them: with its own beside them."""
    options = Options({})
    cast(Any, options).parent = parent
    return options


class OptionsTests(SynchronousTestCase):
    """L{Options} alone."""

    def test_defaults(self) -> None:
        """Without options the gateway is on loopback, with SQLite, and without a key."""
        self.assertEqual(parse(), Settings())
        self.assertEqual(Settings().listen, (LISTEN,))

    def test_all(self) -> None:
        """Every option is taken."""
        settings = parse(
            *("--listen", "tcp:1", "--listen", "tcp:2", "--storage", "memory:"),
            *("--processor-id", "p1", "--processor-name", "Weather"),
            *("--max-processors", "3", "--max-events", "4", "--checkpoint", "0"),
            *("--max-models", "5", "--max-vectors", "8", "--max-gathered", "9"),
            *("--max-message", "1000", "--max-values", "7", "--max-buffered", "2000"),
            *("--timeout", "1.5", "--open", "--api-key", "secret"),
            *("--allow-host", "KATO.example", "--allow-host", "other"),
            *("--origin", "https://Page.example", "--origin", "http://[::1]:8080"),
            *("--trust-proxy", "10.0.0.0/8, 192.0.2.1,::1"),
            *("--log-level", "debug", "--log-format", "json"),
            *("--audit", "/a", "--audit-reads", "--audit-file-size", "6"),
        )
        self.assertEqual(
            settings,
            Settings(
                listen=("tcp:1", "tcp:2"),
                storage="memory:",
                processor_id="p1",
                processor_name="Weather",
                max_processors=3,
                max_events=4,
                max_models=5,
                max_vectors=8,
                max_gathered=9,
                limits=Limits(message=1_000, values=7, buffered=2_000),
                checkpoint=0.0,
                timeout=1.5,
                open=True,
                api_key=b"secret",
                hosts=frozenset({"kato.example", "other"}),
                origins=frozenset({b"https://page.example", b"http://[::1]:8080"}),
                proxies=tuple(map(ip_network, ("10.0.0.0/8", "192.0.2.1/32", "::1/128"))),
                log_level="debug",
                log_format="json",
                audit=Path("/a"),
                audit_reads=True,
                audit_file_size=6,
            ),
        )

    def test_audit(self) -> None:
        """A folder for the audit log is meant from where the service is started."""
        self.assertEqual(parse(KATO_AUDIT="log").audit, Path("log").absolute())
        self.assertTrue(parse(KATO_AUDIT="log", KATO_AUDIT_READS="1").audit_reads)

    def test_genes(self) -> None:
        """Genes of new processors are judged as a client's would be."""
        settings = parse(
            *("--classifier", "DVC", "--max-predictions", "7", "--persistence", "2"),
            *("--recall-threshold", "0.5", "--max-sequence-length", "9", "--stm-mode", "ROLLING"),
            *("--rank-by", "snr", "--no-sort", "--no-predictions"),
        )
        self.assertEqual(
            settings.genes,
            Genes(
                classifier="DVC",
                max_predictions=7,
                persistence=2,
                recall_threshold=0.5,
                max_sequence_length=9,
                stm_mode="ROLLING",
                rank_by="snr",
                sort=False,
                process_predictions=False,
            ),
        )

    def test_environment(self) -> None:
        """Variables of the environment are taken where the command line says nothing."""
        settings = parse(
            "--storage",
            "memory:",
            KATO_LISTEN="tcp:1 tcp:2",
            KATO_STORAGE="sqlite:x.db",
            KATO_CHECKPOINT="7",
            KATO_OPEN="true",
            KATO_API_KEY="secret",
            KATO_ALLOW_HOST="a b",
            KATO_ORIGIN="http://a:1 https://b:443 https://c:80 http://d:80",
            KATO_TRUST_PROXY="fd00::/8",
            PROCESSOR_ID="p1",
            PROCESSOR_NAME="Weather",
            LOG_LEVEL="ERROR",
            KATO_LOG_FORMAT="json",
            KATO_METRICS_PROCESSORS="7",
        )
        self.assertEqual(
            settings,
            Settings(
                listen=("tcp:1", "tcp:2"),
                storage="memory:",
                checkpoint=7.0,
                open=True,
                api_key=b"secret",
                hosts=frozenset({"a", "b"}),
                origins=frozenset({b"http://a:1", b"https://b", b"https://c:80", b"http://d"}),
                proxies=(ip_network("fd00::/8"),),
                processor_id="p1",
                processor_name="Weather",
                log_level="error",
                log_format="json",
                metrics_processors=7,
            ),
        )

    def test_keys(self) -> None:
        """A file of keys is read and judged at the start, from where it lies; the key for
        everything may stand beside it."""
        path = Path(self.mktemp())
        stored = StoredKey(bytes(32), Key("a", frozenset(Scope), ("p1",)))
        path.write_text(write_key(stored), encoding="utf-8")
        path.chmod(0o600)
        for settings in (
            parse("--api-keys", str(path), "--api-key", "k"),
            parse("--api-key", "k", KATO_API_KEYS=str(path)),
        ):
            self.assertEqual((settings.keys_file, settings.keys), (path.absolute(), (stored,)))
            self.assertEqual(settings.api_key, b"k")
        self.assertTrue(parse("--api-keys", str(path)).asks_for_keys)
        self.assertFalse(parse().asks_for_keys)
        with path.open("a", encoding="utf-8") as file:
            file.write("rates = 7")
        with self.assertRaises(usage.UsageError) as caught:
            parse("--api-keys", str(path))
        words = f"--api-keys: {path.absolute()}: keys.a.rates: unknown key"
        self.assertTrue(str(caught.exception).startswith(words), caught.exception)

    def test_services(self) -> None:
        """A gateway learns where processors live from their list, or from a registry."""
        settings = parse("--processors", "p001:kato-1:5555, p2:[::1]:7")
        self.assertEqual(
            settings.services, {"p001": Address("kato-1", 5555), "p2": Address("::1", 7)}
        )
        self.assertTrue(settings.routes)
        self.assertTrue(parse("--share-port").share_port)
        settings = parse(KATO_REGISTRY="tcp://127.0.0.1:5550", KATO_PLACEMENT="round-robin")
        self.assertEqual(settings.registry, Address("127.0.0.1", 5550))
        self.assertEqual(settings.placement, "round-robin")
        self.assertTrue(settings.routes)
        self.assertEqual(parse(PROCESSORS="p1:a:1", PROCESSOR_ID="p2").processor_id, "p2")
        self.assertFalse(parse().routes)

    def test_zmq(self) -> None:
        """ZeroMQ is off for a gateway; events go out on the next port, or where it is said."""
        self.assertIsNone(parse().zmq)
        for settings in (parse(ZMQ_PORT="6000"), parse("--zmq", "127.0.0.1:6000")):
            self.assertEqual(settings.zmq, Address("127.0.0.1", 6000))
            self.assertEqual(settings.events, Address("127.0.0.1", 6001))
        settings = parse("--zmq", "127.0.0.1:0", "--events", "127.0.0.1:8")
        self.assertEqual(settings.events, Address("127.0.0.1", 8))
        self.assertEqual(parse("--zmq", "127.0.0.1:0").events, Address("127.0.0.1", 0))
        for environment in ({"ZMQ_PORT": "x"}, {"ZMQ_PORT": "99999"}, {"KATO_ZMQ": "x"}):
            self.assertRaises(usage.UsageError, parse, **environment)

    def test_key_file(self) -> None:
        """A key can stand in a file; white space around it is not part of it."""
        path = self.mktemp()
        Path(path).write_text("secret\n", encoding="utf-8")
        self.assertEqual(parse("--api-key-file", path).api_key, b"secret")
        self.assertEqual(parse(KATO_API_KEY_FILE=path).api_key, b"secret")

    def test_wrong(self) -> None:
        """What is wrong is refused by the name of its option and its value."""
        empty = self.mktemp()
        Path(empty).write_text("", encoding="utf-8")
        for arguments, words in (
            (["--max-processors", "0"], ["--max-processors", "0"]),
            (["--max-events", "many"], ["--max-events", "many"]),
            (["--max-string", "0"], ["--max-string", "0"]),
            (["--max-values", "-1"], ["--max-values", "-1"]),
            (["--max-symbols", "9" * 19], ["--max-symbols", "9" * 19]),
            (["--max-message", "16777217"], ["--max-message", "16777216", "16777217"]),
            (["--max-buffered", "16777215"], ["--max-buffered", "16777216", "16777215"]),
            (["--max-events", "9" * 5000], ["--max-events", "999"]),
            (["--checkpoint", "-1"], ["--checkpoint", "-1"]),
            (["--checkpoint", "soon"], ["--checkpoint", "soon"]),
            (["--timeout", "0"], ["--timeout", "0"]),
            (["--timeout", "inf"], ["--timeout", "inf"]),
            (["--api-key", "two words"], ["--api-key"]),
            (["--api-key", "k", "--api-key-file", "f"], ["--api-key-file", "--api-key"]),
            (["--api-key-file", "/no/such/file"], ["--api-key-file", "/no/such/file"]),
            (["--api-key-file", empty], ["--api-key"]),
            (["--processor-id", "kato-api"], ["--processor-id", "kato-api"]),
            (["--processor-name", "x"], ["--processor-name", "--processor-id"]),
            (["--origin", "example.org"], ["--origin", "'example.org'"]),
            (["--origin", "https://example.org/page"], ["--origin", "'https://example.org/page'"]),
            (["--origin", "*"], ["--origin", "'*'"]),
            (["--trust-proxy", "nginx"], ["--trust-proxy", "'nginx'", "10.0.0.0/8"]),
            (["--trust-proxy", "::1,10.0.0.1/8"], ["--trust-proxy", "'10.0.0.1/8'"]),
            (["--classifier", "XYZ"], ["--classifier", "XYZ"]),
            (["--audit-reads"], ["--audit-reads", "--audit"]),
            (["--audit", "a", "--audit-file-size", "0"], ["--audit-file-size", "0"]),
            (["--audit", "a", "--registry", "tcp://a:1"], ["--audit", "every service"]),
            (["--max-predictions", "0"], ["--max-predictions", "0"]),
            (["--recall-threshold", "2"], ["--recall-threshold", "2"]),
            (["--persistence", "x"], ["--persistence", "x"]),
            (["--stm-mode", "tail"], ["--stm-mode", "tail"]),
            (["--log-level", "loud"], ["--log-level", "LOUD"]),
            (["--log-format", "xml"], ["--log-format", "xml"]),
            (["--metrics-processors", "-1"], ["--metrics-processors", "-1"]),
            (["--zmq", "udp://127.0.0.1:5555"], ["--zmq", "udp"]),
            (["--zmq", "tcp://127.0.0.1:65535"], ["--events", "65535"]),
            (["--events", "127.0.0.1:1"], ["--events", "--zmq"]),
            (["--processors", "p1"], ["--processors", "ID:HOST:PORT", "p1"]),
            (["--processors", "p1:a:b"], ["--processors", "a:b"]),
            (["--processors", "ws:a:1"], ["--processors", "ws"]),
            (["--processors", "p1:a:1,p1:b:2"], ["--processors", "p1", "twice"]),
            (["--processors", "p1:a:1", "--processor-id", "p2"], ["--processor-id"]),
            (["--cache", "memcached://a"], ["--cache", "memcached", "redis://"]),
            (["--cache", "redis://:secret@a/x"], ["--cache", "redis://", "'x'"]),
            (["--cache-ttl", "0"], ["--cache-ttl", "'0'"]),
            (["--processors", "p1:a:1", "--cache", "redis://a"], ["--cache", "service"]),
            (["--registry", "5550"], ["--registry", "5550"]),
            (["--placement", "least"], ["--placement", "--registry"]),
            (["--registry", "a:1", "--placement", "most"], ["--placement", "most"]),
            (["extra"], ["extra"]),
        ):
            with self.assertRaises(usage.UsageError) as caught:
                parse(*arguments)
            for word in words:
                self.assertIn(word, str(caught.exception), arguments)

    def test_wrong_environment(self) -> None:
        """A wrong variable is refused by its name."""
        with self.assertRaises(usage.UsageError) as caught:
            parse(KATO_OPEN="maybe")
        self.assertIn("KATO_OPEN", str(caught.exception))

    def test_matcher(self) -> None:
        """Who matches is said by the environment alone; where nothing is said, it is the best."""
        self.assertEqual(parse().matcher, None)
        self.assertEqual(parse(KATO_MATCHER="").matcher, None)
        self.assertEqual(parse(KATO_MATCHER="python").matcher, "python")
        with self.assertRaises(usage.UsageError) as caught:
            parse(KATO_MATCHER="rust")
        self.assertEqual(
            str(caught.exception), "KATO_MATCHER: expected native or python, got 'rust'"
        )

    def test_vectors(self) -> None:
        """Where vectors are compared is said by the environment alone; a GPU that is not there is
        refused in one line."""
        self.assertEqual(parse().vectors, "numpy")
        self.assertEqual(parse(KATO_VECTORS="numpy").vectors, "numpy")
        for given, why in (
            ("tpu", "KATO_VECTORS: expected numpy or cupy, got 'tpu'"),
            ("cupy", "KATO_VECTORS: cupy cannot serve, there is no GPU that CuPy can use"),
        ):
            with (
                patch.dict(sys.modules, {"array_api_compat.cupy": None}),
                self.assertRaises(usage.UsageError) as caught,
            ):
                parse(KATO_VECTORS=given)
            [line] = str(caught.exception).splitlines()
            self.assertTrue(line.startswith(why), line)

    def test_native_matcher(self) -> None:
        """The kernel can be asked for where it was built."""
        built("native")
        self.assertEqual(parse(KATO_MATCHER="native").matcher, "native")

    def test_no_native_matcher(self) -> None:
        """Where the kernel was not built, asking for it is refused in one line."""
        with (
            patch.dict(sys.modules, {"kato.engine.native_matcher": None}),
            self.assertRaises(usage.UsageError) as caught,
        ):
            parse(KATO_MATCHER="native")
        [line] = str(caught.exception).splitlines()
        for word in ("KATO_MATCHER: native", "not built"):
            self.assertIn(word, line)

    def test_under_twistd(self) -> None:
        """Under twistd what is wrong is said in one line on standard error, with exit status 1."""
        options = under_twistd(nodaemon=True)
        said = io.StringIO()
        self.patch(__import__("sys"), "stderr", said)
        with self.assertRaises(SystemExit) as caught:
            options.parseOptions(["--max-events", "0"])
        self.assertEqual(caught.exception.code, 1)
        self.assertEqual(
            said.getvalue(), "kato: --max-events: expected a whole number from 1, got '0'\n"
        )

    def test_log(self) -> None:
        """The log goes where twistd was told, or where it would go by itself."""
        cases: list[tuple[dict[str, Any], str]] = [
            ({"nodaemon": True}, "-"),
            ({"nodaemon": True, "logfile": "a.log"}, "a.log"),
            ({}, "twistd.log"),
        ]
        for parent, file in cases:
            options = under_twistd(**parent)
            options.parseOptions(["--log-level", "warning", "--log-format", "json"])
            settings = options.settings
            self.assertEqual(
                (settings.log_file, settings.log_level, settings.log_format),
                (file, "warn", "json"),
            )


class ServiceOptionsTests(SynchronousTestCase):
    """The options of a processor service."""

    def parse(self, *arguments: str, **environment: str) -> Settings:
        options = ServiceOptions(environment)
        options.parseOptions(arguments)
        return options.settings

    def test_defaults(self) -> None:
        """Without options a service is on loopback, at the port that SPEC 10 names."""
        settings = self.parse()
        self.assertEqual(settings.zmq, ZMQ)
        self.assertEqual(settings.events, Address("127.0.0.1", 5556))
        self.assertEqual((settings.listen, settings.gateways, settings.metrics), ((), (), None))

    def test_gateways(self) -> None:
        """A service is told whom to announce itself to, in order, and as what."""
        settings = self.parse("--registry", "a:1, tcp://b:2", "--advertise", "kato-1:5555")
        self.assertEqual(settings.gateways, (Address("a", 1), Address("b", 2)))
        self.assertEqual(settings.advertise, Address("kato-1", 5555))
        self.assertFalse(settings.routes)

    def test_metrics(self) -> None:
        """A service serves its metrics where it is told to."""
        self.assertEqual(self.parse("--metrics", "tcp:9101").metrics, "tcp:9101")
        self.assertEqual(self.parse(KATO_METRICS="tcp:9102").metrics, "tcp:9102")

    def test_wrong(self) -> None:
        """What is wrong is refused by the name of its option and its value."""
        for arguments in (
            ["--registry", "a"],
            ["--advertise", "x"],
            ["--listen", "tcp:1"],
            ["--zmq", "x"],
        ):
            with self.assertRaises(usage.UsageError) as caught:
                self.parse(*arguments)
            self.assertIn(arguments[0].removeprefix("--"), str(caught.exception))
