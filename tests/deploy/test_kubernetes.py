"""C{deploy/kubernetes}, as it is rendered, and run."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import kubernetes_validate
from twisted.trial.unittest import SynchronousTestCase

from kato.curve_keys import new_pair
from kato.protocols.zmq.curve import written_pair
from kato.running import PATIENCE
from tests.deploy import pods
from tests.deploy.clients import KEY, RunningCase
from tests.deploy.container import Container
from tests.deploy.dockerfile import read
from tests.deploy.judging import judge
from tests.deploy.pods import of_kind, rendered, sets
from tests.source import ROOT

STORAGE = "mongodb://someone:word@mongodb.example/kato?replicaSet=rs0"
CURVE = written_pair(new_pair(), "a test")
VERSIONS = ("1.33", "1.37")


def fits(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a selector means who has these labels."""
    return all(
        labels.get(key) == value for key, value in selector.get("matchLabels", {}).items()
    ) and all(
        each["operator"] == "In" and labels.get(each["key"]) in each["values"]
        for each in selector.get("matchExpressions", ())
    )


class KubernetesTests(SynchronousTestCase):
    """All resources."""

    def setUp(self) -> None:
        self.resources = rendered(Path(self.mktemp()), key="key", curve=CURVE, storage=STORAGE)
        self.templates = {
            name: each["spec"]["template"] for name, (each, _) in sets(self.resources).items()
        }
        self.containers = pods.containers(self.resources)
        self.settings = {each.name: judge(each) for each in self.containers}

    def of(self, name: str) -> list[Container]:
        """The containers of a set."""
        return [each for each in self.containers if each.name.startswith(f"{name}-")]

    def test_schema(self) -> None:
        """They are as the schemas of Kubernetes want them, and nothing in them is unknown there."""
        for version in VERSIONS:
            for each in self.resources:
                kubernetes_validate.validate(each, version, strict=True)
        wrong = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spc": {}}
        with self.assertRaises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate(wrong, VERSIONS[-1], strict=True)

    def test_kinds(self) -> None:
        """There is one of each that an operator needs, all in one namespace."""
        kinds = {each["kind"] for each in self.resources}
        self.assertEqual(
            kinds,
            {
                *("Namespace", "ConfigMap", "Secret", "Service", "StatefulSet"),
                *("HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy"),
            },
        )
        places = {
            each["metadata"].get("namespace", each["metadata"]["name"]) for each in self.resources
        }
        self.assertEqual(places, {"kato"})

    def test_selectors(self) -> None:
        """Whoever chooses pods chooses those of one of our sets: services, budgets, policies, and
        the sets themselves."""
        labels = [each["metadata"]["labels"] for each in self.templates.values()]
        for kind in ("Service", "PodDisruptionBudget", "NetworkPolicy", "StatefulSet"):
            for name, each in of_kind(self.resources, kind).items():
                for selector in self.selectors(kind, each["spec"]):
                    self.assertTrue(any(fits(selector, one) for one in labels), f"{kind} {name}")

    @staticmethod
    def selectors(kind: str, spec: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        if kind == "Service":
            yield {"matchLabels": spec["selector"]}
        elif kind != "NetworkPolicy":
            yield spec["selector"]
        else:
            yield spec["podSelector"]
            ways = [*spec.get("ingress", ()), *spec.get("egress", ())]
            peers = [peer for way in ways for peer in (*way.get("from", ()), *way.get("to", ()))]
            yield from (peer["podSelector"] for peer in peers if "podSelector" in peer)

    def test_names(self) -> None:
        """The set of each headless service is found by it, also before it is ready."""
        services = of_kind(self.resources, "Service")
        for each, _ in sets(self.resources).values():
            service = services[each["spec"]["serviceName"]]["spec"]
            self.assertEqual(service["clusterIP"], "None")
            self.assertIs(service["publishNotReadyAddresses"], True)
            labels = each["spec"]["template"]["metadata"]["labels"]
            self.assertTrue(fits({"matchLabels": service["selector"]}, labels))

    def test_confined(self) -> None:
        """Nobody has a privilege, a root file system to write on, or a word with the cluster."""
        for name, template in self.templates.items():
            pod = template["spec"]
            self.assertIs(pod["automountServiceAccountToken"], False)
            self.assertIs(pod["enableServiceLinks"], False)
            self.assertIs(pod["securityContext"]["runAsNonRoot"], True)
            self.assertEqual(pod["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
            [container] = pod["containers"]
            self.assertEqual(
                container["securityContext"],
                {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
            )
            self.assertIn("memory", container["resources"]["limits"], name)
            self.assertLessEqual({"cpu", "memory"}, container["resources"]["requests"].keys())
        users = {each.user for each in self.containers}
        self.assertEqual(users, {read()["installed"].user})

    def test_probes(self) -> None:
        """A gateway is asked at C{/ready} and C{/live}, a service by its own question for both."""
        for name, template in self.templates.items():
            [container] = template["spec"]["containers"]
            for probe, path in (("readinessProbe", "/ready"), ("livenessProbe", "/live")):
                asked = container[probe]
                if name == "kato-gateway":
                    self.assertEqual(asked["httpGet"], {"path": path, "port": "http"})
                else:
                    words = ["python", "-P", "-m", "kato.health", f"tcp://127.0.0.1:5555{path}"]
                    self.assertEqual(asked["exec"]["command"], words)

    def test_grace(self) -> None:
        """Whoever ends has the time for it, after the pause before."""
        for each in self.containers:
            self.assertGreater(each.grace, 4 * PATIENCE + 5)

    def test_gateways(self) -> None:
        """Services announce themselves to as many gateways as there may be, all to the same ones in
        the same order, the first of which always runs."""
        [scaler] = of_kind(self.resources, "HorizontalPodAutoscaler").values()
        self.assertEqual(scaler["spec"]["scaleTargetRef"]["name"], "kato-gateway")
        most = scaler["spec"]["maxReplicas"]
        [gateways] = {self.settings[each.name].gateways for each in self.of("kato-service")}
        names = [f"kato-gateway-{number}.kato-gateways" for number in range(most)]
        self.assertEqual([each.host for each in gateways], names)
        for each in self.of("kato-gateway"):
            registry = self.settings[each.name].registry
            assert registry is not None
            self.assertEqual({one.port for one in gateways}, {registry.port})
        self.assertGreaterEqual(len(self.of("kato-gateway")), 2)

    def test_services(self) -> None:
        """Each service is reached by its own name, and keeps its processors where the secret
        says."""
        services = self.of("kato-service")
        self.assertEqual(len(services), 3)
        for each in services:
            settings = self.settings[each.name]
            self.assertEqual(str(settings.advertise), f"tcp://{each.name}:5555")
            self.assertEqual(settings.storage, STORAGE)

    def test_hosts(self) -> None:
        """Clients may call a gateway by all names of its service."""
        for each in self.of("kato-gateway"):
            self.assertLessEqual(
                {"kato.kato", "kato.kato.svc.cluster.local"}, self.settings[each.name].hosts
            )

    def test_policies(self) -> None:
        """The ports that policies open are those at which somebody listens; without them nothing
        comes in or goes out."""
        policies = of_kind(self.resources, "NetworkPolicy")
        self.assertEqual(policies["kato"]["spec"]["podSelector"], {})
        self.assertEqual(policies["kato"]["spec"]["policyTypes"], ["Ingress", "Egress"])
        self.assertNotIn("ingress", policies["kato"]["spec"])
        for name, template in self.templates.items():
            [container] = template["spec"]["containers"]
            listening = {each["containerPort"] for each in container["ports"]}
            ways = policies[name]["spec"]["ingress"]
            self.assertEqual({port["port"] for way in ways for port in way["ports"]}, listening)

    def test_secrets(self) -> None:
        """What is secret stands in files that git does not know."""
        rules = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
        self.assertIn("/deploy/kubernetes/secrets/", rules)
        names = {each.rpartition("-")[0] for each in of_kind(self.resources, "Secret")}
        self.assertEqual(names, {"kato-api-key", "kato-curve", "kato-storage"})

    def test_encrypted(self) -> None:
        """All that pods say to each other over ZeroMQ is encrypted."""
        for name, settings in self.settings.items():
            self.assertIsNotNone(settings.curve, name)


class LiveTests(RunningCase):
    """C{deploy/kubernetes}, as many pods as there are at least."""

    def test_pods(self) -> None:
        """Two gateways reach three services, although those look for gateways that do not run; a
        processor that one of them placed the other one knows; all of it is encrypted."""
        resources = rendered(
            Path(self.mktemp()),
            key=KEY,
            curve=CURVE,
            storage="mongodb://mongodb:27017/kato?replicaSet=rs0",
        )
        told = {"kato-api-key": f"{KEY}\n", "kato-curve": CURVE}
        secrets = {
            each: told[each.rpartition("-")[0]]
            for each in of_kind(resources, "Secret")
            if "storage" not in each
        }
        ran = self.run_containers(pods.containers(resources), secrets)
        first, second = (f"kato-gateway-{number}.kato-gateways" for number in (0, 1))
        for each in (first, second):
            self.settle(ran, each, 3)
        self.learn(ran, second, "p1", "p2", "p3")
        self.assert_predicts(ran, first, "p1", "p2", "p3")
        self.learn(ran, first, "p4")
        self.assert_predicts(ran, second, "p4")
        self.assert_ends(ran)
