"""The compose files, as they are written."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from kato.running import PATIENCE
from tests.deploy.compose import FAMILY, SINGLE, VARIABLE, containers, load
from tests.deploy.judging import judge
from tests.deploy.programs import said
from tests.source import ROOT

BOTH = (FAMILY, SINGLE)
GATEWAYS = ("kato-gateway", "kato")
SERVICES = ("kato-1", "kato-2", "kato-3")


def strangers(file: Mapping[str, Any]) -> list[str]:
    """What services name that the file does not describe."""
    kinds = ("networks", "secrets")
    found = [
        f"{name}: {each}"
        for name, service in file["services"].items()
        for kind in kinds
        for each in service.get(kind, ())
        if each not in file.get(kind, {})
    ]
    for name, service in file["services"].items():
        volumes = {each.partition(":")[0] for each in service.get("volumes", ())}
        found += [f"{name}: {each}" for each in volumes - file.get("volumes", {}).keys()]
        needed = service.get("depends_on", {}).keys()
        found += [f"{name}: {each}" for each in needed - file["services"].keys()]
    return found


class ComposeTests(SynchronousTestCase):
    """Both files."""

    def setUp(self) -> None:
        self.files = [load(each, {}) for each in BOTH]
        self.services = [
            (name, service) for file in self.files for name, service in file["services"].items()
        ]

    def test_schema(self) -> None:
        """They are as the schema of the compose specification wants them."""
        check = ("check-jsonschema", "--builtin-schema", "vendor.compose-spec")
        said(*check, *map(str, BOTH))
        wrong = f"{self.mktemp()}.yml"
        Path(wrong).write_text("services: {a: {image: b, privilege: true}}\n", encoding="utf-8")
        self.assertIn("privilege", said(*check, wrong, tells=(1,)))

    def test_names(self) -> None:
        """Networks, volumes, secrets and services that are named are described."""
        self.assertEqual([strangers(file) for file in self.files], [[], []])
        lost = {"services": {"a": {"networks": ["b"], "depends_on": {"c": {}}}}}
        self.assertEqual(strangers(lost), ["a: b", "a: c"])

    def test_options(self) -> None:
        """Our services understand what they are told."""
        for path in BOTH:
            for container in containers(path, {}):
                judge(container)

    def test_variables(self) -> None:
        """What an operator says by variables is taken."""
        environment = {"KATO_ALLOW_HOST": "a.example b.example", "LOG_LEVEL": "DEBUG"}
        for path in BOTH:
            [gateway] = [each for each in containers(path, environment) if each.name in GATEWAYS]
            settings = judge(gateway)
            self.assertEqual(settings.hosts, {"a.example", "b.example"})
            self.assertEqual(settings.log_level, "debug")

    def test_confined(self) -> None:
        """Nobody has a privilege, or a file system to write on, or endless memory; whoever ends has
        the time for it."""
        for name, service in self.services:
            self.assertIs(service["read_only"], True, name)
            self.assertEqual(service["cap_drop"], ["ALL"], name)
            self.assertEqual(service["security_opt"], ["no-new-privileges:true"], name)
            self.assertEqual(service["restart"], "unless-stopped", name)
            self.assertIn("max-size", service["logging"]["options"], name)
            self.assertLessEqual(
                {"memory", "pids"}, service["deploy"]["resources"]["limits"].keys()
            )
            self.assertFalse({"privileged", "cap_add", "devices"} & service.keys(), name)
        for path in BOTH:
            for container in containers(path, {}):
                self.assertGreater(container.grace, 4 * PATIENCE, container.name)
                self.assertNotRegex(container.user, r"^(0|root)\b", container.name)

    def test_outside(self) -> None:
        """Only the gateway has a port outside, for this machine if nothing else is said, and only
        its network leads there."""
        for name, service in self.services:
            self.assertEqual("ports" in service, name in GATEWAYS, name)
        family, single = self.files
        for file in (family, single):
            [ports] = [each["ports"] for each in file["services"].values() if "ports" in each]
            self.assertEqual(ports, ["127.0.0.1:8000:8000"])
        networks = family["networks"]
        self.assertEqual(networks["kato-network"]["name"], "kato-network")
        outside = {name for name, told in networks.items() if not told.get("internal")}
        for name, service in family["services"].items():
            self.assertEqual(bool(outside & set(service["networks"])), name in GATEWAYS, name)

    def test_mongodb(self) -> None:
        """MongoDB is a replica set of the name that services ask for, reached by them alone."""
        family, _ = self.files
        mongodb = family["services"]["mongodb"]
        self.assertIn("rs0", mongodb["command"])
        self.assertIn('_id: "rs0"', mongodb["healthcheck"]["test"][-1])
        self.assertIn('host: "mongodb:27017"', mongodb["healthcheck"]["test"][-1])
        for name, service in family["services"].items():
            reaches = set(mongodb["networks"]) & set(service["networks"])
            self.assertEqual(bool(reaches), name not in GATEWAYS, name)
            storage = service["environment"].get("KATO_STORAGE", "")
            self.assertEqual(storage.startswith("mongodb://mongodb:27017/"), name in SERVICES, name)
            self.assertEqual("?replicaSet=rs0" in storage, name in SERVICES, name)

    def test_images(self) -> None:
        """The images have the names by which they are known."""
        built = {service["image"] for _, service in self.services if "build" in service}
        self.assertEqual(built, {"kato:latest", "kato-gateway:latest"})

    def test_addresses(self) -> None:
        """Each service says where it is reached, by its own name, to the gateway that hears it."""
        told = {each.name: judge(each) for each in containers(FAMILY, {})}
        registry = told["kato-gateway"].registry
        assert registry is not None
        for name in SERVICES:
            settings = told[name]
            assert settings.zmq is not None
            self.assertEqual(str(settings.advertise), f"tcp://{name}:{settings.zmq.port}")
            [gateway] = settings.gateways
            self.assertEqual((gateway.host, gateway.port), ("kato-gateway", registry.port))

    def test_secrets(self) -> None:
        """The key is a file that git does not know, and stands nowhere."""
        rules = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
        for file in self.files:
            [secret] = file["secrets"].values()
            self.assertTrue(secret["file"].startswith("./secrets/"))
        self.assertIn("/secrets/", rules)
        for path in BOTH:
            self.assertIsNone(re.search(r"KATO_API_KEY:|api-key[= ]\S", path.read_text("utf-8")))


def _code(cell: str) -> list[str]:
    return re.findall("`(.*?)`", cell)


class PageTests(SynchronousTestCase):
    """C{docs/deployment.md}."""

    def setUp(self) -> None:
        page = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
        self.section = page.partition("\n## With containers\n")[2].partition("\n## Between ")[0]

    def test_variables(self) -> None:
        """Each variable that the files know is told, with its default, and no other one."""
        known = dict(each for path in BOTH for each in VARIABLE.findall(path.read_text("utf-8")))
        rows = re.findall(r"^\| (`[A-Z].*?) \| (.*?) \|", self.section, re.MULTILINE)
        told = [
            (name, default)
            for names, defaults in rows
            for name, default in zip(_code(names), _code(defaults) or [""], strict=True)
        ]
        self.assertEqual(dict(told), known)

    def test_files(self) -> None:
        """The files and services that commands name are there."""
        for each in re.findall(r"--(?:file|kustomize) ([\w./-]+)", self.section):
            self.assertTrue((ROOT / each).exists(), each)
        services = load(FAMILY, {})["services"]
        for each in re.findall(r"docker compose (?:restart|logs --follow) ([\w-]+)", self.section):
            self.assertIn(each, services)
