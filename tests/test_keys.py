"""Keys as they are known, and as a file has them (SPEC 9 and 10)."""

from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato.commands import Scope
from kato.key_editing import with_key, without_key
from kato.key_file import BadKeyFile, StoredKey, parse_keys, write_key
from kato.key_reading import known_keys, read_key_file
from kato.keys import API_KEY, BYTES, Keyring, digest, written
from kato.policy import Key

ALL = frozenset(Scope)
HASH = "sha256:" + "0f" * 32
GOOD = f"""
# who shows what
[keys.dashboards]
hash = "{HASH}"
scopes = ["read"]
processors = ["p1", "weather-*"]
expires = 2027-01-01T02:00:00+02:00
rate = 100
"""

NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,20}", fullmatch=True).filter(
    lambda name: name != "api-key"
)
STORED = st.builds(
    StoredKey,
    st.binary(min_size=32, max_size=32),
    st.builds(
        Key,
        NAMES,
        st.frozensets(st.sampled_from(Scope), min_size=1),
        st.lists(st.text("ab1-_*", min_size=1, max_size=9), min_size=1, max_size=3).map(tuple),
        st.none() | st.integers(1, 4_000_000_000).map(float),
        st.none() | st.floats(0.001, 1e6),
    ),
)
RINGS = st.lists(
    STORED, max_size=5, unique_by=(lambda each: each.digest, lambda each: each.key.name)
)


class KeyringTests(SynchronousTestCase):
    """L{Keyring}."""

    def test_written(self) -> None:
        """A key begins with a word that is known, and fits in headers and sub-protocols."""
        self.assertRegex(written(bytes(range(BYTES))), r"^kato_[A-Za-z0-9_-]{43}$")

    def test_find(self) -> None:
        """A key is found by itself, the first that is known of several, and no more when it has
        expired."""
        one, two = Key("one", ALL), Key("two", ALL, expires=10.0)
        ring = Keyring({digest(b"1"): one, digest(b"2"): two})
        for tokens, now, found in (
            ([b"1"], 0.0, one),
            ([b"3", b"2", b"1"], 0.0, two),
            ([b"3", b"2", b"1"], 10.0, one),
            ([b"2"], 10.0, None),
            ([b"", b"3", digest(b"1")], 0.0, None),
        ):
            grant = ring.find(tokens, now)
            self.assertIs(grant and grant.key, found, tokens)

    def test_replace(self) -> None:
        """Who holds a key has what it grants now; one that is gone grants nothing, for ever."""
        one = digest(b"1")
        ring = Keyring({one: Key("one", ALL, rate=1.0)})
        grant = ring.find([b"1"], 0.0)
        assert grant is not None and grant.allowance is not None
        self.assertEqual([grant.allowance.take(0.0) for _ in range(3)], [0, 0, 1])
        ring.replace({one: Key("renamed", ALL, rate=1.0)})
        assert grant.key is not None
        self.assertEqual(grant.key.name, "renamed")
        self.assertEqual(grant.allowance.take(0.0), 1)
        ring.replace({})
        self.assertFalse(grant.holds(0.0))
        ring.replace({one: Key("again", ALL)})
        self.assertFalse(grant.holds(0.0))
        self.assertEqual(len(ring), 1)

    def test_next_end(self) -> None:
        """The next moment at which a key expires is known."""
        ring = Keyring({bytes([n]): Key(str(n), ALL, expires=float(n)) for n in (3, 7, 5)})
        self.assertEqual(
            [ring.next_end(now) for now in (0.0, 3.0, 6.9, 7.0)], [3.0, 5.0, 7.0, None]
        )

    def test_api_key(self) -> None:
        """The key of C{--api-key} may do everything, also beside a file; it is none of the file's,
        which may do less."""
        self.assertIsNone(known_keys(None, None))
        self.assertEqual(known_keys(b"k", None), {digest(b"k"): API_KEY})
        self.assertEqual(known_keys(None, ()), {})
        stored = StoredKey(digest(b"k"), Key("less", frozenset({Scope.READ})))
        known = {digest(b"k"): stored.key, digest(b"all"): API_KEY}
        self.assertEqual(known_keys(b"all", (stored,)), known)
        with self.assertRaisesRegex(BadKeyFile, "^keys.less: this is the key of --api-key, too"):
            known_keys(b"k", (stored,))


class FileTests(SynchronousTestCase):
    """A file of keys."""

    def test_read(self) -> None:
        """It says what each key may do."""
        [stored] = parse_keys(GOOD)
        self.assertEqual(stored.digest, b"\x0f" * 32)
        end = datetime(2027, 1, 1, tzinfo=UTC).timestamp()
        key = Key("dashboards", frozenset({Scope.READ}), ("p1", "weather-*"), end, 100.0)
        self.assertEqual(stored.key, key)
        self.assertEqual(parse_keys(""), ())
        self.assertEqual(parse_keys("[keys]"), ())

    def test_faults(self) -> None:
        """What is wrong is told by key and field."""
        for wrong, right, words in (
            ("hash", "hsah", "keys.dashboards.hsah: unknown key, known are expires, hash"),
            (f'hash = "{HASH}"', "", "keys.dashboards.hash: missing"),
            (HASH, HASH[:-1], "keys.dashboards.hash: expected sha256: and 64 hexadecimal digits"),
            (HASH, HASH.upper(), "keys.dashboards.hash: expected sha256"),
            (f'"{HASH}"', "7", "keys.dashboards.hash: expected a string, got int 7"),
            ('["read"]', '["rad"]', "keys.dashboards.scopes: 'rad' is none, expected read, write"),
            ('["read"]', "[]", "keys.dashboards.scopes: expected one at least of read"),
            ('["read"]', '"read"', "keys.dashboards.scopes: expected a list, got str 'read'"),
            ('"weather-*"', '"we ather"', "keys.dashboards.processors: 'we ather' fits no"),
            ('"weather-*"', '"[a-z]*"', "keys.dashboards.processors: '[a-z]*' fits no"),
            ('"p1", "weather-*"', "", "keys.dashboards.processors: expected one at least"),
            ("2027-01-01T02:00:00+02:00", "2027-01-01", "keys.dashboards.expires: expected a time"),
            ("2027-01-01T02:00:00+02:00", '"soon"', "keys.dashboards.expires: expected a time"),
            ("+02:00", "", "keys.dashboards.expires: expected a time like 2027-01-01T00:00:00Z"),
            ("rate = 100", "rate = 0", "keys.dashboards.rate: expected requests a second, 0.001"),
            ("rate = 100", "rate = nan", "keys.dashboards.rate: expected a finite number"),
            ("rate = 100", "rate = true", "keys.dashboards.rate: expected a number, got bool"),
            ("keys.dashboards", 'keys."a b"', "keys: 'a b' is no name: 1 to 64 of"),
            ("keys.dashboards", "keys.api-key", "keys.api-key: this is the name of the key of"),
            ("keys.dashboards", "key.dashboards", "the file.key: unknown key, known are keys"),
            ("# who", "who", "no TOML: "),
        ):
            self.assertIn(wrong, GOOD)
            with self.assertRaises(BadKeyFile) as caught:
                parse_keys(GOOD.replace(wrong, right))
            self.assertTrue(str(caught.exception).startswith(words), str(caught.exception))
        twice = GOOD + GOOD.replace("dashboards", "other")
        with self.assertRaisesRegex(BadKeyFile, "keys.other.hash: it is that of dashboards, too"):
            parse_keys(twice)

    @given(RINGS)
    def test_written(self, ring: list[StoredKey]) -> None:
        """What is written is read as the same."""
        self.assertEqual(parse_keys("".join(map(write_key, ring))), tuple(ring))

    def test_on_disk(self) -> None:
        """A file that others may write is refused, as is one that cannot be read."""
        path = Path(self.mktemp())
        with self.assertRaisesRegex(BadKeyFile, f"^{path}: No such file or directory$"):
            read_key_file(path)
        path.write_bytes(b"\xff")
        path.chmod(0o600)
        with self.assertRaisesRegex(BadKeyFile, f"^{path}: not UTF-8 at byte 0$"):
            read_key_file(path)
        path.write_text(GOOD, encoding="utf-8")
        self.assertEqual(len(read_key_file(path)), 1)
        for mode in (0o620, 0o602):
            path.chmod(mode)
            with self.assertRaisesRegex(BadKeyFile, f"^{path}: others may write it; chmod go-w"):
                read_key_file(path)
        path.write_text("x", encoding="utf-8")
        path.chmod(0o600)
        with self.assertRaisesRegex(BadKeyFile, f"^{path}: no TOML"):
            read_key_file(path)


class EditingTests(SynchronousTestCase):
    """Changes of a file that a person has written."""

    def test_with(self) -> None:
        """A key is written behind what is there, which stays as it is."""
        stored = StoredKey(b"\1" * 32, Key("new", ALL))
        for before in ("", GOOD, GOOD.rstrip("\n"), "# nothing yet"):
            text = with_key(before, stored)
            self.assertTrue(text.startswith(before))
            self.assertEqual(parse_keys(text), (*parse_keys(before), stored))
        with self.assertRaisesRegex(BadKeyFile, "there is a key dashboards already"):
            with_key(GOOD, StoredKey(b"\1" * 32, Key("dashboards", ALL)))
        with self.assertRaisesRegex(BadKeyFile, "keys.new.hash: it is that of dashboards, too"):
            with_key(GOOD, StoredKey(b"\x0f" * 32, Key("new", ALL)))

    def test_without(self) -> None:
        """A key is taken out; comments beside it, and all other keys, stay as they are."""
        other = write_key(StoredKey(b"\2" * 32, Key("other", ALL)))
        for before, after in (
            (GOOD + other, "\n# who shows what\n" + other),
            (other + GOOD, other + "\n# who shows what\n"),
            (
                GOOD + "# of the other:\n\n" + other,
                "\n# who shows what\n# of the other:\n\n" + other,
            ),
        ):
            self.assertEqual(without_key(before, "dashboards"), after)

    @given(RINGS.filter(bool), st.data())
    def test_back(self, ring: list[StoredKey], data: st.DataObject) -> None:
        """Whatever keys there are, the others are left when one is taken out."""
        text = "\n".join(map(write_key, ring))
        gone = data.draw(st.sampled_from(ring))
        left = tuple(each for each in ring if each is not gone)
        self.assertEqual(parse_keys(without_key(text, gone.key.name)), left)

    def test_by_hand(self) -> None:
        """What stands in other words is left to a person, and so is a key that is none."""
        inline = f'keys.x = {{hash = "{HASH}", scopes = ["read"], processors = ["*"]}}\n'
        with self.assertRaisesRegex(BadKeyFile, "keys.x has no header of its own"):
            without_key(inline, "x")
        lines = GOOD.replace('["p1"', '[\n  "p1"').replace('"weather-*"]', '\n[\n"weather-*"]]')
        with self.assertRaises(BadKeyFile):
            without_key(lines, "dashboards")
        with self.assertRaisesRegex(BadKeyFile, "there is no key y"):
            without_key(GOOD, "y")
