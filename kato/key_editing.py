"""Changes of the text of a file of keys; all else that a person wrote there stays as it is."""

import re

from kato.key_file import BadKeyFile, StoredKey, parse_keys, write_key

_HEADER = re.compile(r"[ \t]*\[")
_BESIDE = re.compile(r"[ \t]*(#|\r?\n|$)")


def with_key(written: str, stored: StoredKey) -> str:
    """The text with one more key.

    @raise BadKeyFile: where the text cannot be read, or has a key of this name.
    """
    before = parse_keys(written)
    if any(each.key.name == stored.key.name for each in before):
        raise BadKeyFile(
            f"there is a key {stored.key.name} already; revoke it, or take another name"
        )
    space = "" if not written else "\n" if written.endswith("\n") else "\n\n"
    return _checked(f"{written}{space}{write_key(stored)}", (*before, stored))


def without_key(written: str, name: str) -> str:
    """The text without a key: its lines are taken out, from its header on, but for the comments
    that stand behind the last of its fields.

    @raise BadKeyFile: where the text cannot be read, has no such key, or has it in other words.
    """
    before = parse_keys(written)
    left = tuple(each for each in before if each.key.name != name)
    if len(left) == len(before):
        raise BadKeyFile(f"there is no key {name}")
    lines = written.splitlines(keepends=True)
    header = re.compile(rf"[ \t]*\[[ \t]*keys[ \t]*\.[ \t]*{re.escape(name)}[ \t]*\]")
    starts = [at for at, line in enumerate(lines) if header.match(line)]
    if len(starts) != 1:
        raise BadKeyFile(f"keys.{name} has no header of its own; take it out by hand")
    end = _end(lines, starts[0] + 1)
    try:
        return _checked("".join(lines[: starts[0]] + lines[end:]), left)
    except BadKeyFile:
        raise BadKeyFile(f"keys.{name} does not stand for itself; take it out by hand") from None


def _end(lines: list[str], start: int) -> int:
    """Where the part ends that has begun before C{start}."""
    end = next((at for at in range(start, len(lines)) if _HEADER.match(lines[at])), len(lines))
    while end > start and _BESIDE.match(lines[end - 1]):
        end -= 1
    return end


def _checked(written: str, expected: tuple[StoredKey, ...]) -> str:
    """The text, if it says just that."""
    if parse_keys(written) != expected:
        raise BadKeyFile("the file says something else then; change it by hand")
    return written
