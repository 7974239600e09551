"""What our services make of what a container tells them."""

from pathlib import Path
from tempfile import TemporaryDirectory

from kato.curve_keys import create
from kato.gateway_options import GatewayOptions
from kato.options import CommonOptions
from kato.service_options import ServiceOptions
from kato.settings import Settings
from tests.deploy.container import Container

_OPTIONS: dict[str, type[CommonOptions]] = {
    "kato-gateway": GatewayOptions,
    "kato-processor": ServiceOptions,
}
_KEY = "KATO_API_KEY_FILE"
_CURVE = "KATO_CURVE"
_KNOWN = ("PATH", "HOME", "POD_NAME", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE")
"""Variables that are not for our options to know."""


class _Noting(dict[str, str]):
    """An environment that notes what is asked for."""

    def __init__(self, values: dict[str, str]) -> None:
        super().__init__(values)
        self.asked: set[str] = set()

    def get(self, key: str, default: str | None = None) -> str | None:  # type: ignore[override]
        self.asked.add(key)
        return super().get(key, default)


def judge(container: Container) -> Settings:
    """The settings that its service makes of its words and variables.

    @raise AssertionError: where a variable is none that the service reads, or a key is no secret.
    """
    service, *words = container.words
    environment = _Noting(dict(container.environment))
    environment.pop("KATO_MATCHER", None)
    _judge_secret(container, environment.get(_KEY) or "")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "key"
        path.write_text("key\n", encoding="utf-8")
        environment[_KEY] = str(path)
        if _CURVE in environment:
            _judge_secret(container, environment[_CURVE])
            path = Path(folder) / "curve"
            create(path)
            environment[_CURVE] = str(path)
        options = _OPTIONS[service](environment)
        options.parseOptions(words)
    unread = environment.keys() - environment.asked - set(_KNOWN)
    if unread:
        raise AssertionError(f"{container.name}: nobody reads {sorted(unread)}")
    return options.settings


def _judge_secret(container: Container, path: str) -> None:
    if path not in container.mounted or container.mounted[path].kind != "secret":
        raise AssertionError(f"{container.name}: {path} is no secret")
