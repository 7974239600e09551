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

from kato import engine_options, key_options, limit_options, log_options, zmq_options
from kato.caching.address import Address as CacheAddress
from kato.caching.address import BadAddress
from kato.commands import parse_processor_id
from kato.engine.limits import MAX_EVENTS, MAX_GATHERED, MAX_MODELS, MAX_VECTORS
from kato.errors import InvalidRequest
from kato.fields import shown
from kato.option_values import seconds, whole
from kato.protocols.zmq.addresses import Address
from kato.settings import CACHE_TTL, Settings

ENVIRONMENT = {
    "listen": "KATO_LISTEN",
    "processors": "PROCESSORS",
    "registry": "KATO_REGISTRY",
    "placement": "KATO_PLACEMENT",
    "advertise": "KATO_ADVERTISE",
    "storage": "KATO_STORAGE",
    "cache": "KATO_CACHE",
    "cache-ttl": "KATO_CACHE_TTL",
    "processor-id": "PROCESSOR_ID",
    "processor-name": "PROCESSOR_NAME",
    "checkpoint": "KATO_CHECKPOINT",
    "open": "KATO_OPEN",
    "allow-host": "KATO_ALLOW_HOST",
    "origin": "KATO_ORIGIN",
    "trust-proxy": "KATO_TRUST_PROXY",
    "graphql-depth": "KATO_GRAPHQL_DEPTH",
    "graphql-cost": "KATO_GRAPHQL_COST",
    "metrics": "KATO_METRICS",
    "metrics-processors": "KATO_METRICS_PROCESSORS",
    "audit": "KATO_AUDIT",
    "audit-reads": "KATO_AUDIT_READS",
    **zmq_options.ENVIRONMENT,
    **limit_options.ENVIRONMENT,
    **key_options.ENVIRONMENT,
    **log_options.ENVIRONMENT,
    **engine_options.ENVIRONMENT,
}
"""The variables that say the same as options do."""


class CommonOptions(usage.Options):
    """What every service of KATO's is told."""

    synopsis = "[options]"

    optParameters = [
        *zmq_options.PARAMETERS,
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
        ["max-vectors", None, str(MAX_VECTORS), "how many vectors a processor may hold"],
        ["max-gathered", None, str(MAX_GATHERED), "names of emotives between two learnings"],
        *limit_options.PARAMETERS,
        ["checkpoint", None, None, "seconds until an observation is durable; 0: at once"],
        ["timeout", None, "30", "seconds until a request without an answer gets 504"],
        *key_options.PARAMETERS,
        *log_options.PARAMETERS,
        ["metrics-processors", None, None, "how many processors /metrics tells of by name; 100"],
        ["audit", None, None, "a folder for the audit log: every change, in one line each"],
        ["audit-file-size", None, "64", "MiB after which a file of it is followed by the next"],
        *engine_options.PARAMETERS,
    ]
    optFlags = [
        ["audit-reads", None, "what only reads is kept in the audit log, too"],
        ["open", None, "serve other addresses than loopback without a key"],
        *engine_options.FLAGS,
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
            max_vectors=self._whole("max-vectors", 1),
            max_gathered=self._whole("max-gathered", 1),
            limits=limit_options.parsed_limits(self._given),
            cache=self._cache(),
            cache_ttl=self._seconds("cache-ttl", CACHE_TTL, least=0.001),
            checkpoint=self._seconds("checkpoint", 5.0, least=0.0),
            timeout=self._seconds("timeout", 30.0, least=0.001),
            open=bool(self["open"]) or self._is_on("open"),
            **key_options.parsed_keys(self._given),
            **zmq_options.parsed_curve(self._given),
            genes=engine_options.parsed_genes(self),
            matcher=engine_options.parsed_matcher(self._given),
            vectors=engine_options.parsed_vectors(self._given),
            metrics_processors=self._whole("metrics-processors", 0, "100"),
            **log_options.parsed_log(self._given),
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
        return None if value is None else zmq_options.parsed_address(option, value)

    def _sockets(self, default: Address | None = None) -> dict[str, Any]:
        """Where ZeroMQ listens; the environment may tell the port of the ROUTER alone."""
        port = self._environment.get("ZMQ_PORT")
        return zmq_options.parsed_sockets(self._given, port, default=default)

    def _given(self, option: str) -> str | None:
        """What was said on the command line, or in the environment; C{None} for nothing."""
        value: str | None = self.get(option)
        if not value and option in ENVIRONMENT:
            value = self._environment.get(ENVIRONMENT[option])
        return value or None

    def _is_on(self, option: str) -> bool:
        value = self._environment.get(ENVIRONMENT[option], "").lower()
        if value not in ("", "0", "1", "false", "true", "no", "yes"):
            raise usage.UsageError(f"{ENVIRONMENT[option]}: expected true or false, got {value!r}")
        return value in ("1", "true", "yes")

    def _whole(self, option: str, least: int, default: str = "") -> int:
        return whole(option, self._given(option) or default, least=least)

    def _seconds(self, option: str, default: float, *, least: float) -> float:
        value = self._given(option)
        return default if value is None else seconds(option, value, least=least)

    def _cache(self) -> CacheAddress | None:
        """Where services keep answers for each other."""
        url = self._given("cache")
        try:
            return None if url is None else CacheAddress.parse(url)
        except BadAddress as error:
            raise usage.UsageError(f"--cache: {error}") from None

    def _audit(self) -> Path | None:
        folder = self._given("audit")
        if folder is None and self["audit-reads"]:
            raise usage.UsageError("--audit-reads: there is no --audit to go with it")
        return None if folder is None else Path(folder).expanduser().absolute()

    def _log_file(self) -> str:
        """Where C{twistd} was told to log; what it does by itself where it was told nothing."""
        parent: Mapping[str, Any] = self.parent or {}
        return parent.get("logfile") or ("-" if parent.get("nodaemon") else "twistd.log")


def parsed_processor_id(value: str, option: str = "processor-id") -> str:
    try:
        return parse_processor_id(value)
    except InvalidRequest as error:
        raise usage.UsageError(f"--{option}: {error.message}") from None


def refuse(why: str) -> NoReturn:
    """Say in one line on standard error why nothing was started, and end with status 1."""
    sys.stderr.write(f"kato: {why}\n")
    raise SystemExit(1)
