"""What an operator may say of keys: one for everything, and a file of them (SPEC 10)."""

from pathlib import Path
from typing import Any

from twisted.python import usage

from kato.key_file import BadKeyFile
from kato.key_reading import known_keys, read_key_file
from kato.option_values import Given

PARAMETERS = [
    ["api-key", None, None, "a key for everything; better in a file than here"],
    ["api-key-file", None, None, "a file that holds the key"],
    ["api-keys", None, None, "a file of keys with scopes, read again on SIGHUP"],
]
"""The options, as C{usage.Options} takes them."""

ENVIRONMENT = {
    "api-key": "KATO_API_KEY",
    "api-key-file": "KATO_API_KEY_FILE",
    "api-keys": "KATO_API_KEYS",
}
"""The variables that say the same."""


def parsed_keys(given: Given) -> dict[str, Any]:
    """The key for everything; the file of keys, and what stands in it: as L{Settings} takes them.

    @raise UsageError: which names the option at fault.
    """
    api_key, keys_file = _api_key(given), given("api-keys")
    if keys_file is None:
        return {"api_key": api_key}
    path = Path(keys_file).absolute()
    try:
        keys = read_key_file(path)
        known_keys(api_key, keys)
        return {"api_key": api_key, "keys_file": path, "keys": keys}
    except BadKeyFile as error:
        raise usage.UsageError(f"--api-keys: {error}") from None


def _api_key(given: Given) -> bytes | None:
    key, path = given("api-key"), given("api-key-file")
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
