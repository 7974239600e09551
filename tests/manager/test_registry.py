"""The file in which instances stand."""

import json
from dataclasses import asdict
from pathlib import Path
from threading import Thread

from twisted.trial.unittest import SynchronousTestCase

from kato.manager.registry import Instance, Registry
from kato.manager.trouble import Trouble


def instance(instance_id: str) -> Instance:
    return Instance(
        id=instance_id,
        name="Ä",
        pid=1,
        birth="then",
        began=2.5,
        url="http://x",
        port=None,
        storage="memory:",
        log="l",
        folder="/",
        key="file",
        options=("--open",),
    )


class RegistryTests(SynchronousTestCase):
    """L{Registry}."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.registry = Registry(self.folder)

    def test_round_trip(self) -> None:
        """What is put is read again, by whoever reads the folder."""
        self.assertEqual(self.registry.read(), {})
        with self.registry.changing():
            self.registry.put(instance("a"))
        self.assertEqual(Registry(self.folder).read(), {"a": instance("a")})

    def test_private(self) -> None:
        """Nobody else may look into the folder."""
        self.assertEqual(self.folder.stat().st_mode & 0o777, 0o700)

    def test_crash(self) -> None:
        """A write that was cut off is not seen."""
        with self.registry.changing():
            self.registry.put(instance("a"))
        (self.folder / "instances.new").write_text('[{"id": "ha', encoding="utf-8")
        self.assertEqual(list(self.registry.read()), ["a"])

    def test_together(self) -> None:
        """Managers that write at the same time lose nothing of each other."""

        def put(instance_id: str) -> None:
            registry = Registry(self.folder)
            with registry.changing():
                registry.put(instance(instance_id))

        ids = [f"i{number}" for number in range(20)]
        threads = [Thread(target=put, args=[each]) for each in ids]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        self.assertEqual(sorted(self.registry.read()), sorted(ids))

    def test_without_services(self) -> None:
        """A file from before there were services is read: its servers have none."""
        written = asdict(instance("a"))
        for name in ("services", "registry", "of", "events"):
            del written[name]
        (self.folder / "instances.json").write_text(json.dumps([written]), encoding="utf-8")
        self.assertEqual(self.registry.read(), {"a": instance("a")})

    def test_damaged(self) -> None:
        """A file that somebody else wrote is named, and left as it is."""
        path = self.folder / "instances.json"
        for text in ("{", "[1]", '[{"id": "a", "options": []}]', '[{"options": []}]', "7"):
            path.write_text(text, encoding="utf-8")
            with self.assertRaises(Trouble) as caught:
                self.registry.read()
            self.assertIn(str(path), str(caught.exception))
            self.assertEqual(path.read_text(encoding="utf-8"), text)
