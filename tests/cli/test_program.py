"""The program against a server: every command, what it prints, and how it ends."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from unittest import SkipTest

from rich.cells import cell_len

import kato
from kato.cli import session as sessions
from kato.cli.session import Session
from kato.client import Client, NoAnswer, Patience, blocking
from kato.client.calls import ServerCalls
from tests.cli.running import KEY, ProgramCase, plain, terminal
from tests.client.faces import Hearing
from tests.live.ports import HeldPort
from tests.live.server import LONG_PATIENCE

NAME = "MODEL|4772c243ccf3c216170b3ac980a1d67abc59e4e9"
"""The model of get, set, go."""


class CommandTests(ProgramCase):
    """What is done, and what is printed where no terminal is."""

    def learned(self) -> None:
        """Have C{p1} learn a sequence, and see the beginning of it."""
        for word in ("get", "set", "go"):
            self.okay("observe", "p1", word, "--joy", "0.8", "-q")
        self.assertEqual(self.okay("learn", "p1"), f"{NAME}\n")
        self.okay("observe", "p1", "get", "-q")

    def test_observe(self) -> None:
        """An observation has words, vectors, emotives, an id and metadata; what is in short-term
        memory is printed, an event a line."""
        words = ["hello", "a b", "--vector", "1,2", "--vector", "3,4", "--joy", "0.8"]
        more = ["--emotive", "url=-1", "--unique-id", "x", "--metadata", '{"from": "me"}']
        printed = self.okay("observe", "p1", *words, *more)
        self.assertEqual(printed.split("\t")[2:], ['"a b"', "hello\n"])
        with Client(self.env["KATO_URL"], key=KEY) as client:
            percept = client.processor("p1").percept()
        self.assertEqual(percept.vectors, [[1.0, 2.0], [3.0, 4.0]])
        self.assertEqual(percept.emotives, {"joy": 0.8, "url": -1.0})
        self.assertEqual((percept.unique_id, percept.metadata), ("x", {"from": "me"}))
        self.assertEqual(self.okay("observe", "p1", "--", "--joy").split("\n")[1], "--joy")

    def test_observe_json(self) -> None:
        """C{-} is an observation in JSON from standard input, and nothing beside it."""
        given = '{"strings": ["-"], "emotives": {"joy": 1}}'
        self.assertEqual(self.okay("observe", "p1", "-", given=given), "-\n")
        self.assertEqual(self.okay("observe", "p1", "-", given='["a"]'), "-\na\n")
        self.assertIn(
            "strings: expected", self.refused(2, "observe", "p1", "-", given='{"strings": 1}')
        )
        self.assertIn("all of the observation", self.refused(2, "observe", "p1", "-", "--joy", "1"))

    def test_quiet(self) -> None:
        """A quiet command prints nothing but results."""
        result = self.ran("observe", "p1", "a", "-q")
        self.assertEqual((result.exit_code, result.output), (0, ""))
        self.assertEqual(self.ran("--quiet", "learn", "p1").output, "")
        self.assertIn("fewer than two", self.ran("learn", "p1").stderr)

    def test_predict(self) -> None:
        """Predictions are lines with tabs, whole; forecasts, too."""
        self.learned()
        self.okay("observe", "p1", "set", "--unique-id", "x")
        row = self.okay("predict", "p1").rstrip("\n").split("\t")
        self.assertEqual(row[0], NAME)
        self.assertEqual(row[3:], ["1", "get → set", "go", "", "", "joy=0.8"])
        self.assertEqual(self.okay("forecast", "p1"), "go\t1.0\t1\t1\n")
        self.assertEqual(self.okay("forecast", "p1", "--limit", "1"), "go\t1.0\t1\t1\n")
        self.okay("clear", "p1")
        self.assertIn("nothing is predicted", self.ran("predict", "p1").stderr)
        self.assertIn("nothing is expected", self.ran("forecast", "p1").stderr)
        self.assertEqual(self.okay("predict", "p1", "--unique-id", "x").split("\t")[0], NAME)

    def test_json(self) -> None:
        """What a program asks for is what the server answers, in a line."""
        self.learned()
        self.okay("observe", "p1", "set", "-q")
        told = json.loads(self.okay("predict", "p1", "--json"))
        self.assertEqual((told["status"], told["processor"]), ("okay", "p1"))
        self.assertEqual(told["predictions"][0]["evidence"], 0.666666666667)
        self.assertEqual(
            json.loads(self.okay("--json", "stm", "p1"))["message"], "short_term_memory"
        )
        self.assertEqual(json.loads(self.okay("ping", "--json"))["message"], "pong")
        self.assertEqual(
            len(json.loads(self.okay("predict", "p1", "--json", "--limit", "1"))["predictions"]), 1
        )

    def test_explain(self) -> None:
        """An explanation shows where model and memory match, and every number with its formula; a
        model is known by the beginning of its name."""
        self.learned()
        self.okay("observe", "p1", "go", "-q")
        said = self.okay("explain", "p1", "4772c").split("\n")
        self.assertEqual(said[3], "predicted\tyes: rank 1 of 1 by potential")
        self.assertEqual(said[5:8], ["model  get set go", "       ===     ==", "state  get     go"])
        [evidence] = [each for each in said if each.startswith("evidence\t")]
        self.assertEqual(evidence.split("\t")[2:], ["k / model_length", "k = 2, model_length = 3"])
        self.assertIn("D\t", "\n".join(said))

    def test_models(self) -> None:
        """Models are listed, and shown by as much of the name as is theirs alone."""
        self.learned()
        self.assertEqual(self.okay("models", "p1"), f"{NAME}\t1\t3\n")
        for name in (NAME, NAME[6:], "4", "MODEL|47"):
            self.assertIn("sequence\tget → set → go", self.okay("model", "p1", name))
        self.assertIn("MODEL_NOT_FOUND", self.refused(1, "model", "p1", "5"))
        names = [""] * 20
        for i in range(20):
            self.okay("observe", "p1", str(i), "-q")
            names[i] = self.okay("learn", "p1").strip()
            self.okay("observe", "p1", "get", "-q")
        digits = [each[6] for each in names]
        twice = next(each for each in digits if digits.count(each) > 1)
        self.assertIn("several models begin so", self.refused(2, "model", "p1", twice))
        listed = self.ran("models", "p1", "--limit", "2")
        self.assertEqual(listed.stdout.count("\n"), 2)
        after = listed.stderr.split("'")[1]
        rest = self.okay("models", "p1", "--after", after)
        self.assertEqual(rest.count("\n"), 19)

    def test_genes(self) -> None:
        """Genes are shown and changed."""
        self.okay("create", "p1", "recall_threshold=0.3", "classifier=DVC")
        self.assertIn("was there already", self.ran("create", "p1").stderr)
        genes = dict(each.split("\t") for each in self.okay("genes", "p1").splitlines())
        self.assertEqual((genes["recall_threshold"], genes["classifier"]), ("0.3", "DVC"))
        changed = self.ran("genes", "p1", "recall_threshold=0.2", "sort=false")
        self.assertEqual(changed.stderr, "recall_threshold: 0.3 → 0.2\nsort: true → false\n")
        self.assertIn("expected GENE=VALUE", self.refused(2, "genes", "p1", "sort"))
        self.assertIn("INVALID_REQUEST", self.refused(1, "genes", "p1", "sort=7"))

    def test_forget(self) -> None:
        """What cannot be undone is asked for, or said with C{--yes}, or not done."""
        self.learned()
        for command in ("forget", "delete"):
            self.assertIn("say --yes", self.refused(2, command, "p1"))
        self.assertIn("models\t1", self.okay("status", "p1"))
        self.okay("forget", "p1", "--yes")
        self.assertIn("models\t0", self.okay("status", "p1"))
        self.okay("delete", "p1", "-y")
        self.assertIn("PROCESSOR_NOT_FOUND", self.refused(1, "ping", "p1"))

    def test_processors(self) -> None:
        """Processors are listed."""
        for name in ("p1", "p2"):
            self.okay("observe", name, "a", "-q")
        self.assertEqual(self.okay("processors"), "p1\t0\t1\tlocal\np2\t0\t1\tlocal\n")
        self.assertIn("of 2; more: --after 'p1'", self.ran("processors", "--limit", "1").stderr)
        self.assertEqual(self.okay("processors", "--after", "p1"), "p2\t0\t1\tlocal\n")
        self.assertIn("is there", self.ran("ping", "p2").stderr)

    def test_terminal(self) -> None:
        """On a terminal predictions are a table, in short, and explanations fit in."""
        self.learned()
        self.okay("observe", "p1", "set", "-q")
        env = {"FORCE_COLOR": "1", "COLUMNS": "120"}
        printed = self.ran("predict", "p1", env=env).stdout
        self.assertIn("4772c243ccf3", printed)
        self.assertNotIn(NAME, printed)
        self.assertIn("\x1b[", printed)
        printed = self.ran("explain", "p1", "4", env=env).stdout
        self.assertIn("k / model_length\n", "\n".join(map(str.rstrip, plain(printed).split("\n"))))
        self.assertLessEqual(max(map(cell_len, plain(printed).split("\n"))), 120)
        self.assertEqual(self.ran("models", "p2", env=env).exit_code, 1)


class LearnedTests(ProgramCase):
    """A server with an audit log."""

    def options(self) -> tuple[str, ...]:
        return ("--audit", str(self.folder / "audit"))

    def test_learned(self) -> None:
        """An explanation tells when a model was learned, and of what."""
        for _ in range(2):
            self.okay("load", "p1", "-", "--again", "-q", given='["get"]\n["set"]\n\n')
        self.okay("observe", "p1", "get", "-q")
        name = self.okay("models", "p1").split("\t")[0]
        said = [each.split("\t") for each in self.okay("explain", "p1", name).split("\n")]
        learned = [each[1][20:] for each in said if each[0] in ("first", "latest")]
        self.assertIn(["learned", "2 times, as far as the log tells"], said)
        self.assertEqual(learned, ["of get → set"] * 3)


class Pauses:
    """A clock that goes on in pauses alone, however slow the machine is."""

    def __init__(self) -> None:
        self._now = 0.0

    def monotonic(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        self._now += seconds


class ExitTests(ProgramCase):
    """How the program ends when something is wrong: a status, a line, and never a trace."""

    def only_pauses_take_time(self) -> None:
        """Nothing else does, from now on."""
        clock = Pauses()
        for module in (sessions, blocking):
            self.patch(module, "time", clock)

    def test_refused(self) -> None:
        """1: the server refused, and its code and message stand in one line."""
        said = self.refused(1, "status", "p9")
        self.assertEqual(said, "kato: PROCESSOR_NOT_FOUND: processor: there is no 'p9'\n")

    def test_usage(self) -> None:
        """2: wrong usage."""
        for words, why in (
            (["nothing"], "No such command"),
            (["observe", "p1"], "what was observed?"),
            (["observe", "p1", "a", "--vector", "1,x"], "expected a number, got 'x'"),
            (["observe", "p1", "a", "--metadata", "{"], "not JSON"),
            (["observe", "p1", "a", "--joi", "b"], "no such option: --joi"),
            (["observe", "p1", "\udcff"], "not UTF-8"),
            (["--url", "localhost", "ping"], "expected http://HOST:PORT"),
            (["ping", "--url", "http://:0"], "expected http://HOST:PORT"),
            (["ping", "--url", "http://a b"], "expected http://HOST:PORT"),
            (["ping", "--url", "http://a..b"], "expected http://HOST:PORT"),
            (["ping", "--url", "http://xn--:1"], "kato: http://xn--:1: "),
            (["delete", "..", "--yes"], "'..' is no id"),
            (["ping", "--key", "a", "--key-file", "b"], "one of them is enough"),
            (["ping", "--key-file", str(self.folder / "none")], "cannot read"),
            (["status", "a b"], "'a b' is no id: 1 to 64 of"),
            (["ping", "--key", "a\nb"], "--key: expected printable ASCII without spaces"),
            (["ping", "--timeout", "0"], "0"),
            (["watch", "--topic", "learning"], "topics are those of a processor"),
        ):
            self.assertIn(why, self.refused(2, *words))

    def test_not_reached(self) -> None:
        """3: there is no server."""
        self.only_pauses_take_time()
        held = HeldPort()
        self.addCleanup(held.close)
        url = f"http://127.0.0.1:{held.port}"
        for words in (["ping"], ["watch", "p1"], ["load", "p1", "-"]):
            said = self.refused(3, *words, "--url", url)
            self.assertIn("kato: NO_ANSWER: ", said)
            self.assertEqual(said.count("\n"), 1)

    def test_foreign(self) -> None:
        """3: what is there is no server of KATO's, though it may answer well."""
        for kind, told in (
            ("text/html", b"<!DOCTYPE HTML>"),
            ("application/json", {"status": "UP"}),
        ):
            server = Hearing(200, kind, told)
            self.addCleanup(server.close)
            said = self.refused(3, "ping", "--url", server.url)
            self.assertEqual(
                said,
                "kato: FOREIGN_ANSWER: what answers is no server of KATO's: "
                f"HTTP 200 with {kind!r}\n",
            )

    def test_doubt(self) -> None:
        """Of a change without an answer it is said that it may have been made; of nothing else."""
        server = Hearing(told=None)
        self.addCleanup(server.close)
        for words, doubt in ((["learn", "p1"], True), (["stm", "p1"], False)):
            said = self.refused(3, *words, "--url", server.url)
            self.assertEqual(said.endswith("; it may have been done\n"), doubt, said)

    def test_patience(self) -> None:
        """Where it takes long until there is an answer, it is said once that it is tried again."""
        held = HeldPort()
        self.addCleanup(held.close)
        self.only_pauses_take_time()
        for first, often in ((0.1, 0), (4.0, 1)):
            output, kept = terminal()
            session = Session({"url": f"http://127.0.0.1:{held.port}"}, {}, Patience(3, first))
            session.output = output
            self.addCleanup(session.close)
            self.assertRaises(NoAnswer, session.ask, ServerCalls().ping())
            self.assertEqual(kept.getvalue().count("; trying again"), often)

    def test_not_allowed(self) -> None:
        """4: no key, or a wrong one; a key may come in a file."""
        for words in (["processors"], ["watch"], ["load", "p1", "-"]):
            self.assertIn("UNAUTHORIZED", self.refused(4, *words, "--key", "wrong", given="[]"))
        path = self.folder / "key"
        path.write_text(f"{KEY}\n")
        self.okay("processors", "--key-file", str(path), "--quiet")
        self.assertEqual(self.ran("processors", env={"KATO_API_KEY": "x"}).exit_code, 4)
        named = {"KATO_API_KEY": "", "KATO_API_KEY_FILE": str(path)}
        self.assertEqual(self.ran("processors", env=named).exit_code, 0)
        path.write_text("\n")
        self.assertIn("no key", self.refused(2, "processors", "--key-file", str(path)))

    def test_version(self) -> None:
        """The version is told."""
        self.assertEqual(self.okay("--version"), f"kato, version {kato.__version__}\n")


class ShellTests(ProgramCase):
    """The program in a process of its own."""

    def test_process(self) -> None:
        """It can be run, and what it cannot print is no trace."""
        with self.process("observe", "p1", "→é", env={"PYTHONIOENCODING": "ascii"}) as process:
            out, err = process.communicate(timeout=LONG_PATIENCE)
        self.assertEqual((out, err, process.returncode), ('"\\u2192\\xe9"\n', "", 0))

    def test_extra(self) -> None:
        """Without its libraries it says what is missing, and how to get it."""
        program = "import sys; sys.modules['click'] = None\nimport kato.cli.__main__ as m\nm.main()"
        ended = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            timeout=LONG_PATIENCE,
            check=False,
        )
        self.assertEqual(ended.returncode, 2)
        self.assertEqual(ended.stderr, "kato: needs click: pip install 'kato-twisted[cli]'\n")

    def test_scripts(self) -> None:
        """Scripts for three shells are printed; each names the program."""
        for shell in ("bash", "zsh", "fish"):
            self.assertIn("_KATO_COMPLETE", self.okay("completion", shell))
        self.refused(2, "completion", "csh")

    def test_bash(self) -> None:
        """bash completes commands, options, processors, genes and models."""
        bash = shutil.which("bash")
        if bash is None:
            raise SkipTest("there is no bash")
        self.okay("create", "p1")
        self.okay("observe", "p1", "a", "b", "-q")
        name = self.okay("learn", "p1").strip()
        (self.folder / "kato").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m kato.cli "$@"\n')
        (self.folder / "kato").chmod(0o755)
        script = self.okay("completion", "bash")
        for words, found in (
            (["kato", "fore"], "forecast"),
            (["kato", "predict", "--uni"], "--unique-id"),
            (["kato", "predict", "p"], "p1"),
            (["kato", "genes", "p1", "recall"], "recall_threshold"),
            (["kato", "model", "p1", name[6:9]], name[6:]),
        ):
            self.assertEqual(self.completed(bash, script, words), found)

    def completed(self, bash: str, script: str, words: list[str]) -> str:
        """What bash makes of the last word, asked again where the server did not tell it soon."""
        told = (self.told(bash, script, words) for _ in range(5))
        return next(filter(None, told), "")

    def told(self, bash: str, script: str, words: list[str]) -> str:
        """What bash makes of the last word at once."""
        typed = " ".join(f"'{each}'" for each in words)
        asked = (
            f"{script}\nCOMP_WORDS=({typed}); COMP_CWORD={len(words) - 1}\n"
            'COMPREPLY=(); _kato_completion kato; echo "${COMPREPLY[*]}"'
        )
        ended = subprocess.run(
            [bash, "--norc", "-c", asked],
            env={**os.environ, **self.env, "PATH": f"{self.folder}:{os.environ['PATH']}"},
            cwd=Path(kato.__file__).parent.parent,
            capture_output=True,
            text=True,
            timeout=LONG_PATIENCE,
            check=False,
        )
        return ended.stdout.strip()
