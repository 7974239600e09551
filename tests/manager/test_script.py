"""C{kato-manager.sh}, with a Python that only tells how it was called."""

import shutil
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.source import ROOT

PYTHON = """#!/bin/bash
echo "$*" >> "$CALLS"
case "$*" in
    -c*) exit "$TOO_OLD" ;;
    "-m venv --clear "*) mkdir -p "$4/bin"; cp "$0" "$4/bin/python" ;;
    "-m pip install"*) exit "$NO_NETWORK" ;;
esac
"""

OF_A_VERSION = """#!/bin/bash
[ "$1" = -c ] && exec {python} -S -c "import sys; sys.version_info = (3, {minor}, 0); $2"
echo "3.{minor} $*" >> "$CALLS"
exit 9
"""
"""A Python that judges itself to be of a version, and fails to do anything."""

NEEDED = ("bash", "dirname", "cat", "cksum", "mkdir", "cp")


class ScriptTests(SynchronousTestCase):
    """The environment that the script makes, and what it leaves to it."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        programs = self.folder / "programs"
        programs.mkdir(parents=True)
        for name in NEEDED:
            found = shutil.which(name)
            assert found is not None, name
            (programs / name).symlink_to(found)
        python = programs / "python3"
        python.write_text(PYTHON, encoding="utf-8")
        python.chmod(0o755)
        self.venv = self.folder / "with space" / "venv"
        self.calls = self.folder / "calls"
        self.environment = {
            "PATH": str(programs),
            "KATO_VENV": str(self.venv),
            "CALLS": str(self.calls),
            "TOO_OLD": "0",
            "NO_NETWORK": "0",
        }

    def type(self, *words: str, status: int = 0) -> tuple[list[str], str]:
        """Type a command that is to end with this status; gives how Python was called, but for
        questions, and what was said."""
        self.calls.write_text("", encoding="utf-8")
        ended = subprocess.run(
            ["bash", str(ROOT / "kato-manager.sh"), *words],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(ended.returncode, status, ended.stderr)
        calls = self.calls.read_text(encoding="utf-8").splitlines()
        questions = ("-c", "-m pip --version")
        return [call for call in calls if not call.startswith(questions)], ended.stderr

    def install(self, extra: str = "") -> str:
        return f"-m pip install --disable-pip-version-check --editable {ROOT}{extra}"

    def test_first_use(self) -> None:
        """On first use the environment is made, which is said; after that it is only used."""
        manages = "-P -m kato.manager list"
        calls, said = self.type("list")
        self.assertEqual(calls, [f"-m venv --clear {self.venv}", self.install(), manages])
        self.assertIn(f"Making the environment in {self.venv}", said)
        self.assertEqual(self.type("list"), ([manages], ""))

    def test_no_command(self) -> None:
        """Without a command there is help."""
        self.assertEqual(self.type()[0][-1], "-P -m kato.manager help")

    def test_tests_need_more(self) -> None:
        """What the tests need is installed when they are run first, and then serves for all."""
        self.type("list")
        calls, _ = self.type("test", "tests.rest")
        self.assertEqual(calls, [self.install("[test]"), "-P -m kato.manager test tests.rest"])
        self.assertEqual(self.type("test")[0], ["-P -m kato.manager test"])
        self.assertEqual(self.type("list")[0], ["-P -m kato.manager list"])

    def test_other_requirements(self) -> None:
        """An environment that was made for other requirements is brought up to date."""
        self.type("list")
        (self.venv / ".kato-").write_text("1 2\n", encoding="utf-8")
        self.assertEqual(self.type("list")[0], [self.install(), "-P -m kato.manager list"])

    def test_install_fails(self) -> None:
        """Where an install fails nothing is run, and the next time it is tried again."""
        self.environment["NO_NETWORK"] = "7"
        self.assertEqual(self.type("list", status=7)[0][-1], self.install())
        self.environment["NO_NETWORK"] = "0"
        self.assertEqual(self.type("list")[0], [self.install(), "-P -m kato.manager list"])

    def test_which(self) -> None:
        """The Python that is taken is one that KATO is tried with, of these what C{python3} is;
        only if there is none a newer one, and before all what the environment names."""
        programs = self.folder / "programs"
        for names, expected in (
            ({"python3": 12, "python3.13": 13}, 12),
            ({"python3": 14, "python3.14": 14, "python3.12": 12, "python3.13": 13}, 13),
            ({"python3": 10, "python3.11": 11}, 11),
            ({"python3": 10, "python3.14": 14}, 14),
            ({"python3": 15}, 15),
            ({"python3": 13, "mine": 14}, 14),
            ({"python3": 13, "mine": 10}, 13),
        ):
            for old in programs.glob("python*"):
                old.unlink()
            for name, minor in names.items():
                python = programs / name
                text = OF_A_VERSION.format(python=sys.executable, minor=minor)
                python.write_text(text, encoding="utf-8")
                python.chmod(0o755)
            self.environment["KATO_PYTHON"] = "mine" if "mine" in names else ""
            calls, _ = self.type("list", status=9)
            self.assertEqual(calls, [f"3.{expected} -m venv --clear {self.venv}"], names)

    def test_no_python(self) -> None:
        """Where no Python is new enough, that is said, and nothing is made."""
        self.environment["TOO_OLD"] = "1"
        calls, said = self.type("start", status=1)
        self.assertEqual(calls, [])
        self.assertIn("needs Python 3.11 or newer", said)
        self.assertFalse(self.venv.exists())
