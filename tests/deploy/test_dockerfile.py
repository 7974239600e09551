"""The Dockerfile, and what of the checkout it gets to see."""

import configparser
from fnmatch import fnmatch
from pathlib import PurePosixPath

from twisted.trial.unittest import SynchronousTestCase

from kato.gateway_options import GatewayOptions
from kato.service_options import ServiceOptions
from tests.deploy.compose import TWISTD
from tests.deploy.dockerfile import PATH, images, read
from tests.deploy.programs import said
from tests.source import ROOT

OPTIONS = {"kato-gateway": GatewayOptions, "kato-processor": ServiceOptions}


def ignored(path: str, rules: list[str]) -> bool:
    """Whether a path is kept out of the build; the last rule that fits it, or a folder of its,
    decides."""
    verdict = False
    parts = PurePosixPath(path)
    for rule in rules:
        pattern = rule.removeprefix("!")
        for each in (parts, *parts.parents):
            name = each.name if pattern.startswith("**/") else str(each)
            if fnmatch(name, pattern.removeprefix("**/")):
                verdict = not rule.startswith("!")
    return verdict


class DockerfileTests(SynchronousTestCase):
    """C{Dockerfile}."""

    def setUp(self) -> None:
        self.images = read()
        self.shipped = {each: self.images[each] for each in OPTIONS.keys() - {"kato-processor"}}
        self.shipped["kato"] = self.images["kato"]

    def test_lint(self) -> None:
        """The linter finds nothing."""
        self.assertEqual(said("hadolint", "--no-color", str(PATH), tells=(0, 1)), "")

    def test_lint_finds(self) -> None:
        """The linter finds an image that is root's and a base of no version."""
        text = "FROM python:latest\nUSER root\n"
        path = self.mktemp()
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        told = said("hadolint", "--no-color", path, tells=(1,))
        self.assertIn("DL3007", told)
        self.assertIn("DL3002", told)

    def test_images(self) -> None:
        """Both images run twistd as nobody of importance, by a number, and say when they are
        well."""
        for image in self.shipped.values():
            self.assertEqual(image.entrypoint, TWISTD)
            self.assertRegex(image.user, r"^[1-9]\d{4,}:[1-9]\d{4,}$")
            self.assertEqual(image.health[:4], ("python", "-P", "-m", "kato.health"))
        self.assertEqual(self.images["kato"].command, ("kato-processor",))
        self.assertEqual(self.images["kato-gateway"].command, ("kato-gateway",))

    def test_same_layers(self) -> None:
        """The images differ in what they run, and in nothing that was installed: each can run
        what the other one does."""
        text = PATH.read_text(encoding="utf-8")
        for name in ("kato", "kato-gateway"):
            _, _, stage = text.partition(f"\nFROM installed AS {name}\n")
            words = [line.split()[0] for line in stage.partition("\nFROM ")[0].splitlines() if line]
            self.assertLessEqual(set(words), {"EXPOSE", "HEALTHCHECK", "CMD"})

    def test_variables(self) -> None:
        """What the images set is known to our services, which take it."""
        environment = dict(self.images["installed"].environment)
        environment.pop("KATO_MATCHER")
        for options in OPTIONS.values():
            parsed = options(environment)
            parsed.parseOptions([])
            self.assertEqual(parsed.settings.storage, "sqlite:///data/kato.db")

    def test_stages(self) -> None:
        """A stage begins as the one it stands on has ended, and knows that alone."""
        told = images("FROM a AS b\nENV X=1\nUSER 1\n# no\nFROM b AS c\nENV Y=2 \\\n  Z=3\n")
        self.assertEqual(told["b"].environment, {"X": "1"})
        self.assertEqual(told["c"].environment, {"X": "1", "Y": "2", "Z": "3"})
        self.assertEqual(told["c"].user, "1")


class ContextTests(SynchronousTestCase):
    """C{.dockerignore}."""

    def setUp(self) -> None:
        text = (ROOT / ".dockerignore").read_text(encoding="utf-8")
        self.rules = [line for line in text.splitlines() if line and not line.startswith("#")]

    def test_copied(self) -> None:
        """All that is copied is there, and is not kept out."""
        copied = read()["builder"].copied
        self.assertIn("kato", copied)
        for each in copied:
            self.assertTrue((ROOT / each).exists(), each)
            self.assertFalse(ignored(each, self.rules), each)

    def test_complete(self) -> None:
        """What setuptools reads is copied."""
        config = configparser.ConfigParser()
        config.read(ROOT / "setup.cfg", encoding="utf-8")
        metadata = config["metadata"]
        manifest = (ROOT / "MANIFEST.in").read_text(encoding="utf-8").splitlines()
        takes = " ".join(line for line in manifest if not line.startswith("prune")).split()
        named = {
            metadata["long_description"].removeprefix("file: "),
            *(each for each in takes if (ROOT / each).exists() and each != "*"),
            *("pyproject.toml", "setup.cfg", "setup.py", "MANIFEST.in", "twisted"),
            *metadata["license_files"].split(),
        }
        roots = {PurePosixPath(each).parts[0] for each in named}
        self.assertEqual(roots, set(read()["builder"].copied))

    def test_kept_out(self) -> None:
        """Neither what was built here, nor a secret, nor the history comes in."""
        for path in (
            ".git/config",
            ".venv/bin/python",
            "secrets/kato-api-key",
            "deploy/kubernetes/secrets/api-key",
            "kato/engine/_kernel.abi3.so",
            "kato/__pycache__/worker.cpython-311.pyc",
            "twisted/plugins/dropin.cache",
            "tests/source.py",
        ):
            self.assertTrue(ignored(path, self.rules), path)
        for path in ("kato/worker.py", "kato/engine/kernel/text.h", "kato/dashboard/index.html"):
            self.assertFalse(ignored(path, self.rules), path)
