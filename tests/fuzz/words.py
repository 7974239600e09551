"""What an operator may say to a service, on its command line and in its environment."""

from collections.abc import Mapping

from twisted.python.usage import UsageError

from kato.gateway_options import GatewayOptions
from kato.options import CommonOptions
from kato.service_options import ServiceOptions
from kato.settings import Settings
from tests.fuzz.choices import Choices
from tests.fuzz.target import Target, hold

_VALUES = (
    *("", "0", "1", "-1", "1.5", "nan", "inf", "1e400", "9" * 5000, "\u0663", "true", " ", "a b"),
    *("p1", "tcp://127.0.0.1:5555", "[::1]:1", "*:0", "a:65536", "p1:h:1,p1:h:2", "p:h:1,,q:h"),
    *("CVC", "potential", "TAIL", "json", "DEBUG", "least", "https://A.example:443", "memory:"),
    *("sqlite:", "\0", "\ud800", "x" * 300, "tcp:8000", "h1 h2"),
)
_VARIABLES = (
    *("KATO_LISTEN", "KATO_ZMQ", "KATO_EVENTS", "PROCESSORS", "KATO_REGISTRY", "KATO_PLACEMENT"),
    *("KATO_STORAGE", "PROCESSOR_ID", "KATO_CHECKPOINT", "KATO_OPEN", "KATO_API_KEY", "LOG_LEVEL"),
    *("KATO_ALLOW_HOST", "KATO_ORIGIN", "KATO_MATCHER", "ZMQ_PORT"),
)
_READ_FILES = ("help", "version", "file", "keys", "audit", "key", "curve", "tls", "cert")
"""Options with these words print, or touch files by the names they are given, and are let be."""


def _names(options: CommonOptions) -> list[str]:
    return [
        each.rstrip("=")
        for each in options.longOpt
        if not any(word in each for word in _READ_FILES) or each == "api-key="
    ]


def _options(data: bytes) -> None:
    """It is refused in one line that names an option, or judged settings come of it."""
    by = Choices(data)
    kind = by.pick((GatewayOptions, ServiceOptions))
    environment: Mapping[str, str] = {by.pick(_VARIABLES): _value(by) for _ in range(by.below(3))}
    options = kind(environment)
    words: list[str] = []
    for _ in range(by.below(4)):
        words += [f"--{by.pick(_names(options))}", *([_value(by)] if by.below(4) else [])]
    try:
        options.parseOptions(words)
    except UsageError as error:
        hold(bool(str(error)) and "\n" not in str(error), "no line that says why", str(error))
    else:
        hold(isinstance(options.settings, Settings), "no settings", words)


def _value(by: Choices) -> str:
    return by.pick(_VALUES) if by.below(3) else by.text()


WORDS = (
    Target(
        "options", _options, [bytes([n % 2, n, n, n, 3, n, 1, 1, n]) for n in range(40)], longest=64
    ),
)
