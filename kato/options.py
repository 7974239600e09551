"""What an operator may say to a service, and what is made of it (SPEC 10).

An option on the command line goes before its environment variable, and that before the default.
All is judged in L{CommonOptions.postOptions}, before anything starts; past it there are only
L{Settings}.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from twisted.python import usage

from kato import limit_options
from kato.caching.address import Address as CacheAddress
from kato.caching.address import BadAddress
from kato.commands import parse_processor_id
from kato.curve_files import read_clients, read_pair
from kato.engine.arrays import KINDS as ARRAYS
from kato.engine.arrays import NoArrays
from kato.engine.arrays import provider as arrays
from kato.engine.limits import MAX_EVENTS, MAX_MODELS
from kato.engine.matchers import KINDS, NotBuilt, provider
from kato.errors import InvalidRequest
from kato.fields import shown
from kato.genes import RANKINGS, Genes, parse_gene
from kato.key_file import BadKeyFile
from kato.key_reading import known_keys, read_key_file
from kato.protocols.zmq.addresses import MAX_PORT, Address
from kato.protocols.zmq.curve import BadKeys, KeyPair
from kato.settings import CACHE_TTL, ZMQ, Settings

_GENE_OPTIONS = {
    "classifier": "classifier",
    "max-predictions": "max_predictions",
    "persistence": "persistence",
    "recall-threshold": "recall_threshold",
    "max-sequence-length": "max_sequence_length",
    "stm-mode": "stm_mode",
    "rank-by": "rank_by",
}

_ENVIRONMENT = {
    "listen": "KATO_LISTEN",
    "zmq": "KATO_ZMQ",
    "events": "KATO_EVENTS",
    "processors": "PROCESSORS",
    "registry": "KATO_REGISTRY",
    "placement": "KATO_PLACEMENT",
    "advertise": "KATO_ADVERTISE",
    "curve": "KATO_CURVE",
    "curve-clients": "KATO_CURVE_CLIENTS",
    "storage": "KATO_STORAGE",
    "cache": "KATO_CACHE",
    "cache-ttl": "KATO_CACHE_TTL",
    "processor-id": "PROCESSOR_ID",
    "processor-name": "PROCESSOR_NAME",
    "checkpoint": "KATO_CHECKPOINT",
    "open": "KATO_OPEN",
    "api-key": "KATO_API_KEY",
    "api-key-file": "KATO_API_KEY_FILE",
    "api-keys": "KATO_API_KEYS",
    "allow-host": "KATO_ALLOW_HOST",
    "origin": "KATO_ORIGIN",
    "trust-proxy": "KATO_TRUST_PROXY",
    "graphql-depth": "KATO_GRAPHQL_DEPTH",
    "graphql-cost": "KATO_GRAPHQL_COST",
    "log-level": "LOG_LEVEL",
    "log-format": "KATO_LOG_FORMAT",
    "metrics": "KATO_METRICS",
    "metrics-processors": "KATO_METRICS_PROCESSORS",
    "audit": "KATO_AUDIT",
    "audit-reads": "KATO_AUDIT_READS",
    "matcher": "KATO_MATCHER",
    "vectors": "KATO_VECTORS",
    **limit_options.ENVIRONMENT,
}

_MAX_DIGITS = 18
"""A whole number with more of them fits nothing that is counted here."""

_LEVELS = {"DEBUG": "debug", "INFO": "info", "WARNING": "warn", "ERROR": "error"}


class CommonOptions(usage.Options):
    """What every service of KATO's is told."""

    synopsis = "[options]"

    optParameters = [
        ["zmq", None, None, "tcp://host:port of the ROUTER socket for clients of ZeroMQ"],
        ["events", None, None, "tcp://host:port of the PUB socket; the port after --zmq's"],
        ["curve", None, None, "the file with the key pair of this cluster: ZeroMQ is encrypted"],
        ["curve-clients", None, None, "a file with public keys of other clients of ZeroMQ"],
        [
            "storage",
            None,
            None,
            "sqlite:, sqlite:///path/kato.db, mongodb://host/database or memory:",
        ],
        ["cache", None, None, "redis://host:port/db where services keep answers for each other"],
        ["cache-ttl", None, None, "seconds for which they are kept there; 3600 if left out"],
        ["processor-id", None, None, "a processor that is made at the start"],
        ["processor-name", None, None, "what people call it"],
        ["max-processors", None, "1000", "how many processors there may be"],
        ["max-events", None, str(MAX_EVENTS), "how many events a short-term memory may hold"],
        ["max-models", None, str(MAX_MODELS), "how many models a processor may learn"],
        *limit_options.PARAMETERS,
        ["checkpoint", None, None, "seconds until an observation is durable; 0: at once"],
        ["timeout", None, "30", "seconds until a request without an answer gets 504"],
        ["api-key", None, None, "a key for everything; better in a file than here"],
        ["api-key-file", None, None, "a file that holds the key"],
        ["api-keys", None, None, "a file of keys with scopes, read again on SIGHUP"],
        ["log-level", None, None, "DEBUG, INFO, WARNING or ERROR; INFO if left out"],
        ["log-format", None, None, "text or json; text if left out"],
        ["metrics-processors", None, None, "how many processors /metrics tells of by name; 100"],
        ["audit", None, None, "a folder for the audit log: every change, in one line each"],
        ["audit-file-size", None, "64", "MiB after which a file of it is followed by the next"],
        ["classifier", None, None, "gene of new processors: CVC or DVC"],
        ["max-predictions", None, None, "gene of new processors"],
        ["persistence", None, None, "gene of new processors"],
        ["recall-threshold", None, None, "gene of new processors: 0.0 to 1.0"],
        ["max-sequence-length", None, None, "gene of new processors: 0 is off"],
        ["stm-mode", None, None, "gene of new processors: TAIL, CLEAR or ROLLING"],
        ["rank-by", None, None, f"gene of new processors: {', '.join(RANKINGS)}"],
    ]
    optFlags = [
        ["audit-reads", None, "what only reads is kept in the audit log, too"],
        ["open", None, "serve other addresses than loopback without a key"],
        ["no-sort", None, "gene of new processors: strings keep their order"],
        ["no-predictions", None, "gene of new processors: none are pushed to subscribers"],
    ]

    def __init__(self, environment: Mapping[str, str]) -> None:
        """@param environment: where variables are looked up."""
        super().__init__()
        self._environment = environment
        self.settings = Settings()

    def parseArgs(self, *words: str) -> None:
        """There are options only."""
        if words:
            raise usage.UsageError(f"{shown(words[0])}: expected options only, which begin with --")

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        """Read the command line; under C{twistd}, what is wrong is said in one line, and ends the
        process with status 1, which C{twistd} itself would not do."""
        try:
            super().parseOptions(options)
        except usage.UsageError as error:
            if self.parent is None:
                raise
            refuse(str(error))

    def postOptions(self) -> None:
        """Judge all that was said."""
        processor_id = self._given("processor-id")
        processor_name = self._given("processor-name")
        if processor_name is not None and processor_id is None:
            raise usage.UsageError("--processor-name: there is no --processor-id to go with it")
        self.settings = Settings(
            storage=self._given("storage") or "sqlite:",
            processor_id=None if processor_id is None else parsed_processor_id(processor_id),
            processor_name=processor_name,
            max_processors=self._whole("max-processors", 1),
            max_events=self._whole("max-events", 1),
            max_models=self._whole("max-models", 1),
            limits=limit_options.parsed_limits(self._given),
            cache=self._cache(),
            cache_ttl=self._seconds("cache-ttl", CACHE_TTL, least=0.001),
            checkpoint=self._seconds("checkpoint", 5.0, least=0.0),
            timeout=self._seconds("timeout", 30.0, least=0.001),
            open=bool(self["open"]) or self._is_on("open"),
            **self._keys(),
            curve=self._curve(),
            curve_clients=self._curve_clients(),
            genes=self._genes(),
            matcher=self._matcher(),
            vectors=self._vectors(),
            metrics_processors=self._metrics_processors(),
            log_level=self._log_level(),
            log_format=self._log_format(),
            log_file=self._log_file(),
            audit=self._audit(),
            audit_reads=bool(self["audit-reads"]) or self._is_on("audit-reads"),
            audit_file_size=self._whole("audit-file-size", 1),
            **self._own(),
        )

    def _own(self) -> dict[str, Any]:
        """The settings that only this kind of service has."""
        raise NotImplementedError

    def _address(self, option: str) -> Address | None:
        """Where something listens, or is reached."""
        value = self._given(option)
        return None if value is None else parsed_address(option, value)

    def _zmq(self) -> Address | None:
        """Where the ROUTER listens; the environment may tell its port alone."""
        port = self._environment.get("ZMQ_PORT")
        if self._given("zmq") is not None or not port:
            return self._address("zmq")
        if not port.isdecimal():
            raise usage.UsageError(f"ZMQ_PORT: expected a port, got {port!r}")
        return parsed_address("zmq", f"{ZMQ.host}:{port}")

    def _events(self, zmq: Address | None) -> Address | None:
        """Where the PUB socket listens: beside the ROUTER, if nothing else was said."""
        given = self._address("events")
        if zmq is None and given is not None:
            raise usage.UsageError("--events: there is no --zmq to go with it")
        if given is not None or zmq is None:
            return given
        if zmq.port == MAX_PORT:
            raise usage.UsageError(f"--events: there is no port after {zmq.port}; name one")
        return Address(zmq.host, zmq.port and zmq.port + 1)

    def _given(self, option: str) -> str | None:
        """What was said on the command line, or in the environment; C{None} for nothing."""
        value: str | None = self.get(option)
        if not value and option in _ENVIRONMENT:
            value = self._environment.get(_ENVIRONMENT[option])
        return value or None

    def _is_on(self, option: str) -> bool:
        value = self._environment.get(_ENVIRONMENT[option], "").lower()
        if value not in ("", "0", "1", "false", "true", "no", "yes"):
            raise usage.UsageError(f"{_ENVIRONMENT[option]}: expected true or false, got {value!r}")
        return value in ("1", "true", "yes")

    def _whole(self, option: str, least: int) -> int:
        value = self[option]
        number = int(value) if value.isdecimal() and len(value) <= _MAX_DIGITS else -1
        if number < least:
            raise usage.UsageError(
                f"--{option}: expected a whole number from {least}, got {shown(value)}"
            )
        return number

    def _seconds(self, option: str, default: float, *, least: float) -> float:
        value = self._given(option)
        if value is None:
            return default
        try:
            seconds = float(value)
        except ValueError:
            seconds = -1.0
        if not least <= seconds < float("inf"):
            raise usage.UsageError(f"--{option}: expected seconds from {least:g}, got {value!r}")
        return seconds

    def _api_key(self) -> bytes | None:
        key, path = self._given("api-key"), self._given("api-key-file")
        if key is not None and path is not None:
            raise usage.UsageError("--api-key-file: --api-key is given too; give one")
        if path is not None:
            try:
                key = Path(path).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeError) as error:
                raise usage.UsageError(f"--api-key-file: cannot read {path}: {error}") from None
        if key is None:
            return None
        if not key or not key.isascii() or not key.isprintable() or " " in key:
            raise usage.UsageError("--api-key: expected printable ASCII without spaces")
        return key.encode()

    def _keys(self) -> dict[str, Any]:
        """The key for everything; the file of keys, and what stands in it."""
        api_key, given = self._api_key(), self._given("api-keys")
        if given is None:
            return {"api_key": api_key}
        path = Path(given).absolute()
        try:
            keys = read_key_file(path)
            known_keys(api_key, keys)
            return {"api_key": api_key, "keys_file": path, "keys": keys}
        except BadKeyFile as error:
            raise usage.UsageError(f"--api-keys: {error}") from None

    def _curve(self) -> KeyPair | None:
        """The key pair of this cluster."""
        path = self._given("curve")
        try:
            return None if path is None else read_pair(path)
        except BadKeys as error:
            raise usage.UsageError(f"--curve: {error}") from None

    def _curve_clients(self) -> Path | None:
        """Where public keys are told; what is wrong with them is known now."""
        path = self._given("curve-clients")
        if path is None:
            return None
        if self._given("curve") is None:
            raise usage.UsageError("--curve-clients: there is no --curve to go with it")
        try:
            read_clients(path)
        except BadKeys as error:
            raise usage.UsageError(f"--curve-clients: {error}") from None
        return Path(path).absolute()

    def _cache(self) -> CacheAddress | None:
        """Where services keep answers for each other."""
        url = self._given("cache")
        try:
            return None if url is None else CacheAddress.parse(url)
        except BadAddress as error:
            raise usage.UsageError(f"--cache: {error}") from None

    def _genes(self) -> Genes:
        values: dict[str, Any] = {}
        for option, gene in _GENE_OPTIONS.items():
            given = self[option]
            if given is None:
                continue
            try:
                values[gene] = parse_gene(gene, _plain(given))
            except InvalidRequest as error:
                raise usage.UsageError(f"--{option}: {error.message}") from None
        if self["no-sort"]:
            values["sort"] = False
        if self["no-predictions"]:
            values["process_predictions"] = False
        return Genes(**values)

    def _matcher(self) -> str | None:
        """Who matches; only the environment says so, since it changes no answer."""
        kind = self._given("matcher")
        if kind is None:
            return None
        name = _ENVIRONMENT["matcher"]
        if kind not in KINDS:
            raise usage.UsageError(f"{name}: expected {' or '.join(KINDS)}, got {kind!r}")
        try:
            provider(kind, "")
        except NotBuilt as error:
            raise usage.UsageError(f"{name}: {kind} cannot serve, {error}") from None
        return kind

    def _vectors(self) -> str:
        """Where vectors are compared; only the environment says so, since it changes no answer."""
        kind = self._given("vectors") or "numpy"
        name = _ENVIRONMENT["vectors"]
        if kind not in ARRAYS:
            raise usage.UsageError(f"{name}: expected {' or '.join(ARRAYS)}, got {kind!r}")
        try:
            arrays(kind)
        except NoArrays as error:
            raise usage.UsageError(f"{name}: {kind} cannot serve, {error}") from None
        return kind

    def _audit(self) -> Path | None:
        folder = self._given("audit")
        if folder is None and self["audit-reads"]:
            raise usage.UsageError("--audit-reads: there is no --audit to go with it")
        return None if folder is None else Path(folder).expanduser().absolute()

    def _log_level(self) -> str:
        level = (self._given("log-level") or "INFO").upper()
        if level not in _LEVELS:
            raise usage.UsageError(
                f"--log-level: expected {', '.join(_LEVELS)}, got {shown(level)}"
            )
        return _LEVELS[level]

    def _metrics_processors(self) -> int:
        given = self._given("metrics-processors") or "100"
        if not given.isdecimal() or len(given) > _MAX_DIGITS:
            raise usage.UsageError(
                f"--metrics-processors: expected a whole number from 0, got {shown(given)}"
            )
        return int(given)

    def _log_format(self) -> str:
        written = self._given("log-format") or "text"
        if written not in ("text", "json"):
            raise usage.UsageError(f"--log-format: expected text or json, got {shown(written)}")
        return written

    def _log_file(self) -> str:
        """Where C{twistd} was told to log; what it does by itself where it was told nothing."""
        parent: Mapping[str, Any] = self.parent or {}
        return parent.get("logfile") or ("-" if parent.get("nodaemon") else "twistd.log")


def parsed_address(option: str, value: str) -> Address:
    try:
        return Address.parse(value)
    except ValueError as error:
        raise usage.UsageError(f"--{option}: {error}") from None


def parsed_processor_id(value: str, option: str = "processor-id") -> str:
    try:
        return parse_processor_id(value)
    except InvalidRequest as error:
        raise usage.UsageError(f"--{option}: {error.message}") from None


def _plain(value: str) -> int | float | str:
    """A value of a gene as a client would write it in JSON."""
    for number in (int, float):
        try:
            return number(value)
        except ValueError:
            continue
    return value


def refuse(why: str) -> NoReturn:
    """Say in one line on standard error why nothing was started, and end with status 1."""
    sys.stderr.write(f"kato: {why}\n")
    raise SystemExit(1)
