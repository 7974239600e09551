"""What the images would run, run: the commands, users, variables and order of the compose files."""

import signal

from tests.deploy import compose
from tests.deploy.clients import KEY, RunningCase

PROCESSORS = ("p1", "p2", "p3", "p4", "p5", "p6")


class ComposeTests(RunningCase):
    """C{docker-compose.yml}."""

    def setUp(self) -> None:
        containers = compose.containers(compose.FAMILY, {})
        self.ran = self.run_containers(containers, {"kato-api-key": f"{KEY}\n"})
        self.settle(self.ran, "kato-gateway", 3)

    def test_family(self) -> None:
        """A gateway reaches three services, on which new processors are spread; all learn, for who
        has the key; what they learned is there after a restart of one service, and of all."""
        self.learn(self.ran, "kato-gateway", *PROCESSORS)
        listed = self.ask(self.ran, "GET", "/processors", at="kato-gateway")["processors"]
        services = [each["service"] for each in listed]
        addresses = self.ran.addresses
        homes = [f"127.0.0.1:{addresses.port(f'kato-{number}', 5555)}" for number in (1, 2, 3)]
        self.assertEqual({each: services.count(each) for each in homes}, dict.fromkeys(homes, 2))

        status, answer = self.connect(self.ran, "kato-gateway").send("GET", "/p1/predictions")
        self.assertEqual((status, answer["error_code"]), (401, "UNAUTHORIZED"))

        self.assertEqual(self.ran.stop("kato-2"), {"kato-2": -signal.SIGTERM})
        self.assertIsNotNone(self.ran.trouble("kato-2"))
        self.ran.start("kato-2")
        self.settle(self.ran, "kato-gateway", 3)
        self.assert_predicts(self.ran, "kato-gateway", *PROCESSORS)

        self.assert_ends(self.ran)
        self.ran.start()
        self.settle(self.ran, "kato-gateway", 3)
        self.assert_predicts(self.ran, "kato-gateway", *PROCESSORS)
        self.assert_ends(self.ran)

    def test_order(self) -> None:
        """Services are well before the gateway is started, and end after it."""
        self.assertEqual(list(self.ran.processes), ["kato-1", "kato-2", "kato-3", "kato-gateway"])
        self.assertEqual(next(iter(self.ran.stop())), "kato-gateway")

    def test_wrong_key(self) -> None:
        """A service does not take who asks about its health with another key for a friend."""
        trouble = self.ran.trouble("kato-1", {"KATO_API_KEY_FILE": "", "KATO_API_KEY": "wrong"})
        self.assertIn("UNAUTHORIZED", trouble or "")
        self.assertIsNone(self.ran.trouble("kato-1"))


class SingleTests(RunningCase):
    """C{docker-compose.single.yml}."""

    def test_single(self) -> None:
        """One container learns, and knows it again after a restart, from its volume."""
        containers = compose.containers(compose.SINGLE, {})
        ran = self.run_containers(containers, {"kato-api-key": KEY})
        self.learn(ran, "kato", "p1")
        self.assert_ends(ran)
        ran.start()
        self.assert_predicts(ran, "kato", "p1")
        self.assert_ends(ran)
