"""Long JSON is read in steps, to the same values and errors as in one go."""

import gc
import json
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato.codec import decode_json
from kato.errors import InvalidRequest, KatoError, PayloadTooLarge
from kato.fields import RepeatedKey
from kato.letting_go import let_go
from kato.messagepack import WrittenList
from kato.steady_json import MAX_DEPTH, SHORT, STEP, decode_steadily

_texts = st.text(st.sampled_from('a",[]{}:\\\né😀\ud83d\ude00'), max_size=20)
_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.just(10**450) | _texts,
    lambda inner: st.lists(inner) | st.dictionaries(_texts, inner),
    max_leaves=30,
)
_bodies = st.builds(
    lambda value, ascii, indent: json.dumps(value, ensure_ascii=ascii, indent=indent).encode(
        errors="replace"
    ),
    _values,
    st.booleans(),
    st.sampled_from([None, 1]),
)
_steps = st.sampled_from([1, 2, 3, 7, 16, 50])
_LONG_LIST = b"[" + b",".join([b"1"] * SHORT) + b"]"


def read(body: bytes, **how: int) -> str:
    """What is read, or why it cannot be."""
    try:
        value = decode_steadily(body, **how) if how else decode_json(body)
    except KatoError as error:
        return f"{error.error_code} {error.message}"
    return f"{value!r} {getattr(value, 'key', None)!r}"


class SameTests(SynchronousTestCase):
    """What is read in steps of a few bytes is what is read in one go."""

    @given(_bodies, _steps)
    @example(b'[{"a":1,"b":2},{"a":1,"c":3,"a":4},{"a":5}]', 7)
    @example(b'{"a":1,"b":[1,2,3,4,5,6,7],"a":2,"b":3}', 3)
    @example(b'"' + rb"\ud83d\ude00\ud83d\ud83d\ude00\\\"" * 9 + b'"', 16)
    @settings(deadline=None)
    def test_good(self, body: bytes, step: int) -> None:
        """JSON gives the same values, also where keys stand twice or numbers are vast."""
        self.assertEqual(read(body, step=step), read(body))

    @given(_bodies, _steps, st.data())
    @example(b'["' + b"a" * 40 + rb"\u12", 7, None)
    @example(b'{"a":1,"b":2,}' + b" " * 30, 3, None)
    @example(b"[[1,2,3],[4,5,6] , ]" + b" " * 30, 3, None)
    @example(b"[[1,2,3],[4,5,6],[7,8,9]] 1", 2, None)
    @settings(deadline=None)
    def test_broken(self, body: bytes, step: int, data: Any) -> None:
        """What is no JSON is refused in the same words, which say where."""
        if data is not None:
            place = data.draw(st.integers(0, len(body)))
            cut = data.draw(st.integers(0, 2))
            put = data.draw(
                st.sampled_from([b"", *(bytes([each]) for each in b'",[]{}:\\1e\0\xff')])
            )
            body = body[:place] + put + body[place + cut :]
        self.assertEqual(read(body, step=step), read(body))

    def test_key_twice(self) -> None:
        """A key that stands twice in a long object is remembered, the first of several."""
        members = [f'"{i}":{i}' for i in range(SHORT)]
        body = "{" + ",".join([*members, '"77":0,"5":0,"last":[]']) + "}"
        value = decode_steadily(body.encode())
        assert isinstance(value, RepeatedKey)
        self.assertEqual((value.key, value["77"], value["last"]), ("77", 0, []))

    def test_long_string(self) -> None:
        """A string of many steps is read whole, whatever is escaped in it."""
        text = '\\"é😀\n' * SHORT
        for ascii in (True, False):
            body = json.dumps({text: text}, ensure_ascii=ascii).encode()
            self.assertEqual(decode_steadily(body), {text: text})

    def test_observations(self) -> None:
        """A sequence of observations of different lengths is what it was."""
        sequence = [
            {
                "strings": [f"s{n}"] * (n % 7),
                "vectors": [[n / 7] * (n % 5 * 100 + 1)],
                "metadata": {},
            }
            for n in range(500)
        ]
        body = json.dumps({"observations": sequence, "learn_at_end": True}, indent=1)
        self.assertEqual(decode_steadily(body.encode()), json.loads(body))

    def test_not_utf_8(self) -> None:
        """A byte that is not UTF-8 is named, however far behind it stands."""
        body = b'"' + b"a" * SHORT + b"\xff" + b'"'
        self.assertEqual(read(body, step=STEP), read(body))


class BoundTests(SynchronousTestCase):
    """What is too much is refused before it is there."""

    def test_values(self) -> None:
        """All values count but keys, each once, and none that merely looks like one."""
        for body, values in (
            (_LONG_LIST, SHORT + 1),
            (b'[{"a":[]},"[,,]","",{},[[1]],null]' + b" " * SHORT, 10),
            (json.dumps([", [ {" * 20] * 5_000).encode(), 5_001),
            (json.dumps({"a": [{"b": n} for n in range(9_000)]}).encode(), 18_002),
            (b'"' + b"," * SHORT + b'"', 1),
        ):
            self.assertEqual(decode_steadily(body, max_values=values), json.loads(body))
            error = self.assertRaises(PayloadTooLarge, decode_steadily, body, max_values=values - 1)
            told = rf"body: [\d,]+ values or more are over the limit of {values - 1:,}"
            self.assertRegex(error.message, told)

    def test_short(self) -> None:
        """A short text is counted, too, where it may hold too many."""
        self.assertEqual(decode_steadily(b"[1,2]", max_values=3), [1, 2])
        self.assertRaises(PayloadTooLarge, decode_steadily, b"[1,2]", max_values=2)

    def test_deep(self) -> None:
        """Lists in each other that are too many for anybody are refused, however long they are; a
        short text in the words of the standard library, which is patient from Python 3.12 on."""
        for depth, words in ((MAX_DEPTH * 20, "nested too deeply|not JSON"), (SHORT, "too deeply")):
            for opening in (b"[", b'{"a":', b"[1,"):
                error = self.assertRaises(InvalidRequest, decode_steadily, opening * depth)
                self.assertRegex(error.message, words)

    def test_vast_number(self) -> None:
        """A number of more digits than a step has bytes is refused by its place."""
        body = b"[\n" + b"1" * SHORT + b"]"
        error = self.assertRaises(InvalidRequest, decode_steadily, body)
        self.assertIn(f"more than {STEP - 3:,} characters at line 2 column 1", error.message)
        self.assertEqual(decode_steadily(b"[" + b"1" * 1000 + b"]", step=1), [float("inf")])


class LettingGoTests(SynchronousTestCase):
    """What is not wanted any more is freed bit by bit."""

    def test_not_read(self) -> None:
        """What is still to be read, and perhaps cannot be, is let go of unread."""
        value = {"params": {"strings": WrittenList(b"no JSON")}}
        let_go(value)
        self.assertEqual(value, {})

    def test_freed_at_once(self) -> None:
        """A text that was read is freed without the help of a collector of cycles."""
        gc.disable()
        self.addCleanup(gc.enable)
        while gc.collect():  # what other tests left, and what is left in its turn by what that was
            continue
        decode_steadily(b'{"a":' + b" " * 2**17 + b"{}}")
        self.assertEqual(gc.collect(), 0)

    @given(_values)
    @settings(deadline=None)
    def test_empty(self, value: Any) -> None:
        """Every list and object is empty then."""
        containers = []
        deeper = [value]
        while deeper:
            each = deeper.pop()
            if isinstance(each, list | dict):
                containers.append(each)
                deeper += each.values() if isinstance(each, dict) else each
        let_go(value)
        self.assertEqual([each for each in containers if each], [])
