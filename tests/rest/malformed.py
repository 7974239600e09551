"""Requests that are wrong, each in its own way, and how each must be answered.

The table is used on the parts in memory and on a live server: C{raw} is what is sent over a
connection of its own.  All of it may be sent to processor C{p1}; no processor is called C{ghost}.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from kato.codec import MAX_MESSAGE
from kato.commands import RESERVED
from kato.genes import NAMES
from kato.protocols.rest.routes import ROUTES

JSON = "Content-Type: application/json"
_MEDIA = "UNSUPPORTED_MEDIA_TYPE"
HUGE = "9" * 401
"""An integer beyond float64."""


@dataclass(frozen=True)
class Malformed:
    """A request, and the answer that it must get: its status, its code, and what it names."""

    raw: bytes
    status: int
    error_code: str
    names: str

    @property
    def title(self) -> str:
        return f"{self.raw[:200]!r}: {self.names}"


def _http(method: str, path: str, body: bytes | None, *headers: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *headers]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")


def _invalid(method: str, path: str, body: str | bytes | None, names: str) -> Malformed:
    raw = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    return Malformed(_http(method, path, raw, JSON), 400, "INVALID_REQUEST", names)


# Fields of the operations, by the body's text, as JSON cannot write all of these as values.

OBSERVATIONS = [
    ('{"strings": "hello"}', "strings: expected a list"),
    ('{"strings": {}}', "strings: expected a list"),
    ('{"strings": 1}', "strings: expected a list"),
    ('{"strings": null}', "strings: expected a list, got null"),
    ('{"strings": true}', "strings: expected a list"),
    ('{"strings": [1]}', "strings[0]: expected a string, got int"),
    ('{"strings": ["a", 1.5]}', "strings[1]: expected a string, got float"),
    ('{"strings": ["a", "b", null]}', "strings[2]: expected a string, got null"),
    ('{"strings": [false]}', "strings[0]: expected a string, got bool"),
    ('{"strings": [["a"]]}', "strings[0]: expected a string, got list"),
    ('{"strings": [{}]}', "strings[0]: expected a string, got dict"),
    ('{"strings": [NaN]}', "strings[0]"),
    ('{"strings": ["\\ud800"]}', "strings[0]: not valid Unicode"),
    ('{"strings": ["a", "b\\udfffc"]}', "strings[1]: not valid Unicode"),
    ('{"strings": ["\\udc00\\ud800"]}', "strings[0]: not valid Unicode"),
    ('{"vectors": "x"}', "vectors: expected a list"),
    ('{"vectors": {}}', "vectors: expected a list"),
    ('{"vectors": null}', "vectors: expected a list"),
    ('{"vectors": [1.0, 2.0]}', "vectors[0]: expected a list, got float"),
    ('{"vectors": [[1.0], "x"]}', "vectors[1]: expected a list"),
    ('{"vectors": [null]}', "vectors[0]: expected a list"),
    ('{"vectors": [{"x": 1}]}', "vectors[0]: expected a list"),
    ('{"vectors": [[]]}', "vectors[0]: a vector needs"),
    ('{"vectors": [["1.0"]]}', "vectors[0][0]: expected a number, got str"),
    ('{"vectors": [[1.0, null]]}', "vectors[0][1]: expected a number"),
    ('{"vectors": [[1.0], [true]]}', "vectors[1][0]: expected a number, got bool"),
    ('{"vectors": [[[1.0]]]}', "vectors[0][0]: expected a number, got list"),
    ('{"vectors": [[{}]]}', "vectors[0][0]: expected a number"),
    ('{"vectors": [[NaN]]}', "vectors[0][0]: expected a finite number"),
    ('{"vectors": [[Infinity]]}', "vectors[0][0]: expected a finite number"),
    ('{"vectors": [[1.0, -Infinity]]}', "vectors[0][1]: expected a finite number"),
    ('{"vectors": [[1e400]]}', "vectors[0][0]: expected a finite number"),
    (f'{{"vectors": [[{HUGE}]]}}', "vectors[0][0]"),
    (f'{{"vectors": [[1{"0" * 320}]]}}', "vectors[0][0]: a number beyond float64"),
    ('{"emotives": []}', "emotives: expected an object"),
    ('{"emotives": "joy"}', "emotives: expected an object"),
    ('{"emotives": 0.8}', "emotives: expected an object"),
    ('{"emotives": null}', "emotives: expected an object"),
    ('{"emotives": {"joy": "high"}}', "emotives.joy: expected a number, got str"),
    ('{"emotives": {"joy": true}}', "emotives.joy: expected a number, got bool"),
    ('{"emotives": {"joy": null}}', "emotives.joy: expected a number"),
    ('{"emotives": {"joy": [1]}}', "emotives.joy: expected a number"),
    ('{"emotives": {"joy": {}}}', "emotives.joy: expected a number"),
    ('{"emotives": {"joy": NaN}}', "emotives.joy: expected a finite number"),
    ('{"emotives": {"a": 1, "joy": -Infinity}}', "emotives.joy: expected a finite number"),
    ('{"emotives": {"joy": 1e999}}', "emotives.joy: expected a finite number"),
    (f'{{"emotives": {{"joy": -{HUGE}}}}}', "emotives.joy"),
    ('{"emotives": {"\\ud800": 1}}', "emotives: key"),
    ('{"emotives": {"joy": 1, "joy": 2}}', "emotives.joy: given twice"),
    ('{"unique_id": 7}', "unique_id: expected a string, got int"),
    ('{"unique_id": null}', "unique_id: expected a string"),
    ('{"unique_id": ["a"]}', "unique_id: expected a string"),
    ('{"unique_id": {}}', "unique_id: expected a string"),
    ('{"unique_id": false}', "unique_id: expected a string"),
    ('{"unique_id": "\\udbff"}', "unique_id: not valid Unicode"),
    ('{"metadata": []}', "metadata: expected an object"),
    ('{"metadata": "x"}', "metadata: expected an object"),
    ('{"metadata": null}', "metadata: expected an object"),
    ('{"metadata": {"a": NaN}}', "metadata.a: expected a finite number"),
    ('{"metadata": {"a": [{"b": Infinity}]}}', "metadata.a[0].b: expected a finite number"),
    (f'{{"metadata": {{"a": {HUGE}}}}}', "metadata.a"),
    ('{"metadata": {"a": "\\ud800"}}', "metadata.a: not valid Unicode"),
    ('{"metadata": {"a": {"\\ud800": 1}}}', "metadata.a: key"),
    ('{"metadata": {"a": {"b": 1, "b": 1}}}', "metadata.a.b: given twice"),
    ('{"metadata": {"a": ' + "[" * 70 + "]" * 70 + "}}", "nested deeper than 64 levels"),
    ('{"metadata": {"a": ' + '{"b":' * 70 + "1" + "}" * 70 + "}}", "nested deeper than 64"),
    ('{"string": ["a"]}', "string: unknown key"),
    ('{"Strings": ["a"]}', "Strings: unknown key"),
    ('{"strings": ["a"], "emotive": {}}', "emotive: unknown key"),
    ('{"strings": ["a"], "": 1}', "'': unknown key"),
    ('{"strings": ["a"], "params": {}}', "params: unknown key"),
    ('{"strings": ["a"], "\\ud800": 1}', "key"),
    ('{"strings": ["a"], "strings": ["a"]}', "strings: given twice"),
    ('{"vectors": [], "vectors": []}', "vectors: given twice"),
    ('{"strings": ["a"], "brief": "true"}', "brief: expected a boolean"),
    ('{"strings": ["a"], "brief": 1}', "brief: expected a boolean"),
    ('{"strings": ["a"], "brief": null}', "brief: expected a boolean"),
]

_SEQUENCES = [
    ("{}", "observations: missing"),
    ('{"observation": []}', "observation: unknown key"),
    ('{"observations": null}', "observations: expected a list"),
    ('{"observations": {}}', "observations: expected a list"),
    ('{"observations": "abc"}', "observations: expected a list"),
    ('{"observations": [null]}', "observations[0]: expected an object"),
    ('{"observations": [{}, "a"]}', "observations[1]: expected an object"),
    ('{"observations": [{}, {}, []]}', "observations[2]: expected an object"),
    ('{"observations": [["a"]]}', "observations[0]: expected an object"),
    ('{"observations": [{"strings": "a"}]}', "observations[0].strings: expected a list"),
    ('{"observations": [{}, {"strings": [1]}]}', "observations[1].strings[0]"),
    ('{"observations": [{"strings": ["\\ud800"]}]}', "observations[0].strings[0]: not valid"),
    ('{"observations": [{"strings": ["good"]}, {"vectors": [[]]}]}', "observations[1].vectors[0]"),
    ('{"observations": [{"vectors": [[NaN]]}]}', "observations[0].vectors[0][0]"),
    ('{"observations": [{"emotives": {"joy": "x"}}]}', "observations[0].emotives.joy"),
    ('{"observations": [{"unique_id": 1}]}', "observations[0].unique_id"),
    ('{"observations": [{"metadata": [1]}]}', "observations[0].metadata"),
    ('{"observations": [{"brief": true}]}', "observations[0].brief: unknown key"),
    ('{"observations": [{"a": 1}]}', "observations[0].a: unknown key"),
    ('{"observations": [{"strings": [], "strings": []}]}', "observations[0].strings: given twice"),
    ('{"observations": [], "observations": []}', "observations: given twice"),
    ('{"observations": [], "learn_at_end": "yes"}', "learn_at_end: expected a boolean"),
    ('{"observations": [], "learn_at_end": 1}', "learn_at_end: expected a boolean"),
    ('{"observations": [], "learn_after_each": null}', "learn_after_each: expected a boolean"),
    ('{"observations": [], "learn_after_each": []}', "learn_after_each: expected a boolean"),
    ('{"observations": [], "learn": true}', "learn: unknown key"),
]

_UNFIT_GENES = {
    "classifier": ['"cvc"', "1", "null"],
    "max_predictions": ["0", "10001", "-1", "1.5", '"100"', "true", "NaN", HUGE],
    "recall_threshold": ["-0.1", "1.1", '"0.1"', "null", "false", "NaN", "Infinity"],
    "min_prediction_symbols": ["0", "-2", "2.5", "null"],
    "rank_by": ['"size"', "[]", "null"],
    "max_sequence_length": ["-1", "0.5", '"0"', "9007199254740992"],
    "stm_mode": ['"tail"', "{}"],
    "persistence": ["0", "true", "null"],
    "sort": ["1", '"true"', "null"],
    "process_predictions": ["0", "[]"],
    "vector_neighbors": ["-1", "1.5", '"3"'],
    "vector_max_distance": ["-0.5", "NaN", '"far"', "true"],
    "search_depth": ["0", "101", "2.5"],
    "track_accuracy": ["0", '"true"'],
}

_GENE_CHANGES = [
    ("{}", "genes: missing"),
    ('{"genes": []}', "genes: expected an object"),
    ('{"genes": null}', "genes: expected an object"),
    ('{"genes": "sort"}', "genes: expected an object"),
    ('{"genes": {"colour": 1}}', "genes.colour: unknown key"),
    ('{"genes": {"persistence": 3, "Sort": true}}', "genes.Sort: unknown key"),
    ('{"genes": {"sort": true, "sort": false}}', "genes.sort: given twice"),
    ('{"genes": {"\\ud800": 1}}', "genes"),
    ('{"data": {"persistence": 0}}', "genes.persistence"),
    ('{"data": []}', "genes: expected an object"),
    ('{"data": {}, "genes": {}}', "data: another name of genes"),
    ('{"persistence": 3}', "persistence: unknown key"),
]

_MODEL_UPDATES = [
    ("{}", "frequency: missing"),
    ('{"frequency": 0}', "frequency: expected an integer from 1"),
    ('{"frequency": -1}', "frequency: expected an integer from 1"),
    ('{"frequency": 1.5}', "frequency: expected an integer"),
    ('{"frequency": "2"}', "frequency: expected an integer"),
    ('{"frequency": true}', "frequency: expected an integer"),
    ('{"frequency": null}', "frequency: expected an integer"),
    ('{"frequency": NaN}', "frequency: expected an integer"),
    ('{"frequency": 9007199254740993}', "frequency: expected an integer from 1"),
    (f'{{"frequency": {HUGE}}}', "frequency"),
    ('{"emotives": {}}', "emotives: expected a list"),
    ('{"emotives": "joy"}', "emotives: expected a list"),
    ('{"emotives": [1]}', "emotives[0]: expected an object"),
    ('{"emotives": [{}, []]}', "emotives[1]: expected an object"),
    ('{"emotives": [{"joy": "x"}]}', "emotives[0].joy: expected a number"),
    ('{"emotives": [{"joy": Infinity}]}', "emotives[0].joy: expected a finite number"),
    ('{"frequency": 2, "sequence": []}', "sequence: unknown key"),
    ('{"frequency": 2, "frequency": 2}', "frequency: given twice"),
    ('{"frequency": 2, "model_name": "b"}', "model_name: given twice"),
]

_NOT_JSON = [
    (b'{"strings": ["a"', "line 1 column"),
    (b'{"strings": ["a', "line 1 column"),
    (b'{"strings"', "line 1 column"),
    (b"{", "line 1 column"),
    (b'{"strings": ["a"]} x', "line 1 column"),
    (b'{"strings": ["a"]}{}', "line 1 column"),
    (b"{'strings': ['a']}", "line 1 column"),
    (b'{"strings": ["a",]}', "line 1 column"),
    (b'{"strings": ["a"],}', "line 1 column"),
    (b'{"strings": ["a\x01b"]}', "line 1 column"),
    (b'{"strings": ["\\x41"]}', "line 1 column"),
    (b'{"strings": ["\\u12"]}', "line 1 column"),
    (b'/* a */ {"strings": []}', "line 1 column"),
    (b'{"vectors": [[01.5]]}', "line 1 column"),
    (b'{"vectors": [[.5]]}', "line 1 column"),
    (b'{"vectors": [[+1]]}', "line 1 column"),
    (b'{"vectors": [[0x10]]}', "line 1 column"),
    (b'{"vectors": [[nan]]}', "line 1 column"),
    (b"   ", "line 1 column"),
    (b"strings=a&strings=b", "line 1 column"),
    (b'\xef\xbb\xbf{"strings": []}', "body"),
    (b'{"strings": ["\xff"]}', "not UTF-8 at byte 14"),
    (b'{"strings": ["\xed\xa0\x80"]}', "not UTF-8"),
    (b'{"strings": ["caf\xe9"]}', "not UTF-8"),
    ('{"strings": ["a"]}'.encode("utf-16"), "body"),
    (b"\x82\xa7strings\x91\xa1a", "body"),
    (b"[" * 100_000, "body: nested too deeply"),
    (b'{"metadata":' * 50_000, "body: nested too deeply"),
]

_NO_OBJECT = ["[]", "null", "true", "3", '"observe"', '[{"strings": ["a"]}]']

_QUERIES = [
    ("POST", "/p1/observe?brief=yes", "{}", "brief: expected true or false"),
    ("POST", "/p1/observe?brief=", "{}", "brief: expected true or false"),
    ("POST", "/p1/observe?brief=true&brief=false", "{}", "brief: given twice"),
    ("POST", "/p1/observe?brief=true", '{"brief": true}', "brief: given twice"),
    ("POST", "/p1/observe?strings=a", "{}", "strings"),
    ("POST", "/p1/observe?verbose=true", "{}", "verbose"),
    ("POST", "/p1/observe-sequence?brief=1", '{"observations": []}', "brief"),
    ("POST", "/p1/observe-sequence?learn_at_end=true", '{"observations": []}', "learn_at_end"),
    ("POST", "/p1/learn?now=true", None, "now"),
    ("GET", "/p1/predictions?id=a", None, "id"),
    ("GET", "/p1/predictions?unique_id=a&unique_id=b", None, "unique_id: given twice"),
    ("GET", "/p1/predictions?unique_id=%ff", None, "query: not UTF-8"),
    ("GET", "/p1/predictions?unique_id=%zz", None, "query: bad percent-encoding"),
    ("GET", "/p1/predictions?unique_id=%00", None, "query: a NUL"),
    ("GET", "/p1/forecast?limit=0", None, "limit: expected an integer from 1"),
    ("GET", "/p1/forecast?limit=all", None, "limit: expected a whole number"),
    ("GET", "/p1/forecast?limit=99999999999999999999", None, "limit"),
    ("GET", "/p1/models?limit=-1", None, "limit: expected an integer from 1"),
    ("GET", "/p1/models?limit=10001", None, "limit: expected an integer from 1 to 10000"),
    ("GET", "/p1/models?after=a&after=b", None, "after: given twice"),
    ("GET", "/processors?limit=2.0", None, "limit: expected a whole number"),
    ("GET", "/connect?page=2", None, "page"),
    ("GET", "/p1/status?full=1", None, "full"),
    ("GET", "/kato-api/ping?x", None, "x"),
]

_PATHS = [
    ("GET", "/p1/model/%", "path: bad percent-encoding"),
    ("GET", "/p1/model/MODEL%7", "path: bad percent-encoding"),
    ("GET", "/p1/model/%GG", "path: bad percent-encoding"),
    ("DELETE", "/p1/model/%u0041", "path: bad percent-encoding"),
    ("GET", "/p1/model/%00", "path: a NUL"),
    ("GET", "/p1/model/%ff%fe", "path: not UTF-8"),
    ("DELETE", "/p1/model/%c0%af", "path: not UTF-8"),
    ("GET", "/p1/gene/%ed%a0%80", "path: not UTF-8"),
    ("GET", "/%zz/status", "path: bad percent-encoding"),
    ("GET", "/p1/status#part", "path: a fragment"),
    ("GET", "p1/status", "path: expected one that begins with a slash"),
    ("OPTIONS", "*", "path: expected one that begins with a slash"),
    ("CONNECT", "localhost:8000", "path: expected one that begins with a slash"),
    ("GET", "ftp://localhost/p1/status", "path: expected one that begins with a slash"),
]

_BAD_IDS = [
    "-p",
    "_p",
    "p.1",
    "p%20",
    "p%C3%A9",
    "p%2F1",
    "p%0A",
    "p:1",
    "p" * 65,
    "%F0%9F%98%80",
    "..",
    "~",
]


def _of_bodies() -> Iterator[Malformed]:
    tables = [
        ("POST", "/p1/observe", OBSERVATIONS),
        ("POST", "/p1/observe-sequence", _SEQUENCES),
        ("POST", "/p1/genes/change", _GENE_CHANGES),
        ("PUT", "/p1/model/MODEL%7Cabc", _MODEL_UPDATES),
    ]
    for method, path, table in tables:
        for body, names in table:
            yield _invalid(method, path, body, names)
    for bytes_, names in _NOT_JSON:
        yield _invalid("POST", "/p1/observe", bytes_, names)
    for path in ["/p1/observe", "/p1/genes/change", "/p1/learn"]:
        for text in _NO_OBJECT:
            yield _invalid("POST", path, text, "body: expected an object")
    for path in ["observe", "observe-sequence", "genes/change", "gene/sort/change"]:
        yield _invalid("POST", f"/p1/{path}", b"", "body: missing")
        yield _invalid("POST", f"/ghost/{path}", b"", "body: missing")
    yield _invalid("PUT", "/p1/model/abc", None, "body: missing")
    for path in ["learn", "clear-short-term-memory", "clear-all-memory", "memory/clear-all"]:
        yield _invalid("POST", f"/p1/{path}", '{"force": true}', "force: unknown key")
        yield _invalid("POST", f"/p1/{path}", "{", "body: not JSON")
    for method, path in [("GET", "/p1/status"), ("DELETE", "/p1"), ("DELETE", "/p1/model/abc")]:
        yield _invalid(method, path, "{}", "body")


def _of_genes() -> Iterator[Malformed]:
    assert set(_UNFIT_GENES) == set(NAMES)
    for gene, values in _UNFIT_GENES.items():
        for value in values:
            yield _invalid(
                "POST", "/p1/genes/change", f'{{"genes": {{"{gene}": {value}}}}}', f"genes.{gene}"
            )
        yield _invalid("POST", f"/p1/gene/{gene}/change", f'{{"value": {values[0]}}}', gene)
        yield _invalid("PUT", "/ghost", f'{{"genes": {{"{gene}": {values[-1]}}}}}', gene)
    yield _invalid("POST", "/p1/gene/sort/change", "{}", "value: missing")
    yield _invalid("POST", "/p1/gene/sort/change", '{"Value": true}', "Value: unknown key")
    yield _invalid("POST", "/p1/gene/sort/change", '{"value": true, "gene": "sort"}', "gene")
    yield _invalid("POST", "/p1/gene/sort/change", '{"value": true, "value": false}', "value")
    yield _invalid("PUT", "/p1", '{"genes": {"colour": 1}}', "genes.colour: unknown key")
    yield _invalid("PUT", "/p1", '{"genes": []}', "genes: expected an object")
    yield _invalid("PUT", "/p1", '{"name": "x"}', "name: unknown key")
    for method, path, body in [
        ("GET", "/p1/gene/colour", None),
        ("GET", "/p1/gene/SORT", None),
        ("GET", "/p1/gene/", None),
        ("POST", "/p1/gene/colour/change", b'{"value": 1}'),
    ]:
        yield Malformed(_http(method, path, body, JSON), 404, "UNKNOWN_GENE", "gene")


def _of_ids() -> Iterator[Malformed]:
    for word in [*_BAD_IDS, *sorted(RESERVED)]:
        yield _invalid("POST", f"/{word}/observe", '{"strings": ["a"]}', "processor: ")
    for word in _BAD_IDS:
        yield _invalid("PUT", f"/{word}", None, "processor: ")
    paths = {route.path.removeprefix("/") for route in ROUTES}
    for word in sorted(RESERVED - paths):
        yield _invalid("DELETE", f"/{word}", None, "processor: ")
    for method, path, code in [
        ("GET", "/ghost/status", "PROCESSOR_NOT_FOUND"),
        ("GET", "/ghost/predictions", "PROCESSOR_NOT_FOUND"),
        ("GET", "/ghost/genes", "PROCESSOR_NOT_FOUND"),
        ("POST", "/ghost/learn", "PROCESSOR_NOT_FOUND"),
        ("POST", "/ghost/clear-all-memory", "PROCESSOR_NOT_FOUND"),
        ("DELETE", "/ghost", "PROCESSOR_NOT_FOUND"),
        ("GET", "/p1/model/MODEL%7Cnone", "MODEL_NOT_FOUND"),
        ("DELETE", "/p1/model/a%2Fb", "MODEL_NOT_FOUND"),
        ("GET", "/p1/predictions?unique_id=never", "OBSERVATION_NOT_FOUND"),
    ]:
        names = {"P": "ghost", "M": "model", "O": "unique_id"}[code[0]]
        yield Malformed(_http(method, path, None), 404, code, names)


def _of_paths() -> Iterator[Malformed]:
    for method, path, body, names in _QUERIES:
        yield _invalid(method, path, body, names)
    for method, path, names in _PATHS:
        yield _invalid(method, path, None, names)
    for path in [
        "/openapi.yaml",
        "/static/x",
        "/p1/forget",
        "/p1/",
        "//",
    ]:
        yield Malformed(_http("GET", path, None), 404, "UNKNOWN_OPERATION", path)
    for method, path in [
        ("GET", "/p1/observe"),
        ("PUT", "/p1/learn"),
        ("POST", "/p1/status"),
        ("DELETE", "/p1/genes"),
        ("PATCH", "/p1/model/abc"),
        ("TRACE", "/p1/status"),
        ("OPTIONS", "/p1/observe"),
        ("post", "/p1/learn"),
        ("POST", "/kato-api/ping"),
        ("DELETE", "/processors"),
        ("GET", "/p1"),
    ]:
        yield Malformed(_http(method, path, None), 405, "METHOD_NOT_ALLOWED", method)


def _of_headers() -> Iterator[Malformed]:
    body = b'{"strings": ["a"]}'
    for headers, status, code, names in [
        (["Content-Type: application/json; charset=latin-1"], 415, _MEDIA, "charset"),
        (["Content-Type: application/json; charset=utf-16"], 415, _MEDIA, "charset"),
        ([JSON, "Content-Encoding: gzip"], 415, _MEDIA, "Content-Encoding"),
        ([JSON, "Content-Encoding: zstd"], 415, _MEDIA, "Content-Encoding"),
        ([JSON, "Origin: http://evil.example"], 403, "FORBIDDEN", "Origin"),
        ([JSON, "Origin: null"], 403, "FORBIDDEN", "Origin"),
        ([JSON, "Host: localhost"], 400, "INVALID_REQUEST", "Host"),
        ([JSON, "Idempotency-Key:"], 400, "INVALID_REQUEST", "Idempotency-Key"),
        ([JSON, "Idempotency-Key: " + "k" * 256], 400, "INVALID_REQUEST", "Idempotency-Key"),
        ([JSON, "Idempotency-Key: a\xff"], 400, "INVALID_REQUEST", "Idempotency-Key"),
        ([JSON, "Content-Length: 18"], 400, "INVALID_REQUEST", "Content-Length"),
        ([JSON, "Transfer-Encoding: chunked"], 400, "INVALID_REQUEST", "Content-Length"),
        ([JSON, "X" + "x" * 20_000 + ": y"], 431, "HEADERS_TOO_LARGE", "head"),
        ([JSON, *["X: y"] * 200], 431, "HEADERS_TOO_LARGE", "head"),
        ([JSON, "X : y"], 400, "INVALID_REQUEST", "X "),
        ([JSON, "no colon"], 400, "INVALID_REQUEST", "no colon"),
    ]:
        yield Malformed(_http("POST", "/p1/observe", body, *headers), status, code, names)
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "text/html"]:
        raw = _http("POST", "/p1/observe", b"strings=a", f"Content-Type: {content_type}")
        yield Malformed(raw, 415, _MEDIA, "Content-Type")


def _of_http() -> Iterator[Malformed]:
    start = "POST /p1/observe HTTP/1.1\r\nHost: localhost\r\n"
    chunked = start + "Transfer-Encoding: chunked\r\n\r\n"
    for text, names in [
        ("GET /p1/status\r\n\r\n", "request line"),
        ("GET /p1/status HTTP/3\r\n\r\n", "request line"),
        ("GET /p1 /status HTTP/1.1\r\n\r\n", "request line"),
        ("observe\r\n\r\n", "request line"),
        ("GET /p1/status HTTP/1.1\r\n\r\n", "Host"),
        ("GET /p1/status HTTP/1.1\r\nHost: local host\r\n\r\n", "Host"),
        ("GET /p1/status HTTP/1.1\r\nHost: localhost:port\r\n\r\n", "Host"),
        (start + "Content-Length: ten\r\n\r\n", "Content-Length"),
        (start + "Content-Length: -2\r\n\r\n", "Content-Length"),
        (start + "Transfer-Encoding: gzip\r\n\r\n", "Transfer-Encoding"),
        (chunked + "2\r\n{}!\r\n0\r\n\r\n", "chunk"),
        (chunked + "g\r\n{}\r\n0\r\n\r\n", "chunk"),
    ]:
        yield Malformed(text.encode(), 400, "INVALID_REQUEST", names)
    unknown = b"GET /p1/status HTTP/1.1\r\nHost: evil.example\r\n\r\n"
    yield Malformed(unknown, 403, "FORBIDDEN", "Host")
    for length in [MAX_MESSAGE + 1, 10**30]:
        announced = (start + f"Content-Length: {length}\r\n\r\n").encode()
        yield Malformed(announced, 413, "PAYLOAD_TOO_LARGE", "body")
    long = json.dumps({"strings": ["x" * MAX_MESSAGE]}).encode()
    yield Malformed(_http("POST", "/p1/observe", long, JSON), 413, "PAYLOAD_TOO_LARGE", "body")
    piece = b"%x\r\n%b\r\n" % (MAX_MESSAGE + 1, b"x" * (MAX_MESSAGE + 1))
    yield Malformed(chunked.encode() + piece + b"0\r\n\r\n", 413, "PAYLOAD_TOO_LARGE", "body")


MALFORMED = tuple(
    case
    for cases in (_of_bodies, _of_genes, _of_ids, _of_paths, _of_headers, _of_http)
    for case in cases()
)
