"""Logs of services that take processors over from each other are one history."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from kato.audit.interface import IAudit
from kato.commands import Command
from tests.audit.logs import FaultyFiles, contents, files_in, log_in, replayed
from tests.ownership_world import Service, World
from tests.test_ownership_laws import Machine, ids, numbers


class AuditedMachine(Machine):
    """What may happen to services that share a store, each with a log."""

    def __init__(self) -> None:
        self._folder = TemporaryDirectory()
        self._files: dict[int, FaultyFiles] = {}
        super().__init__()

    def make_world(self) -> World:
        world = super().make_world()
        world.make_audit = self.make_audit
        return world

    def folder(self, number: int) -> Path:
        return Path(self._folder.name) / str(number)

    def make_audit(self, service: Service) -> IAudit:
        if service.number in self._files:
            self._files[service.number].close()
        files = files_in(self.folder(service.number), clock=service.clock)
        self._files[service.number] = files
        return log_in(files, service.clock)

    @rule(number=numbers, processor=ids, word=st.sampled_from("abc"))
    def observe(self, number: int, processor: str, word: str) -> None:
        """What is answered before it is stored."""
        self._tell(number, "observe", {"strings": [word]}, processor)

    @rule(number=numbers, processor=ids)
    def delete(self, number: int, processor: str) -> None:
        """A processor is deleted, and may be made again elsewhere."""
        self.world.counted.pop(processor, None)
        self._tell(number, "delete_processor", {}, processor)

    def _tell(self, number: int, operation: str, params: object, processor: str) -> None:
        command = Command.parse(operation, params, processor)
        self.world.services[number].ask(command).addErrback(lambda _: None)

    def kept(self) -> None:
        """What clients counted does not hold where processors are deleted."""

    def see_all(self) -> None:
        """What could not be loaded is loaded when somebody asks; then the log tells what it is."""
        for service in self.world.services:
            for processor in list(service.tenancy.held):
                self._tell(service.number, "ping", {}, processor)
        self.world.advance(1.0)

    def teardown(self) -> None:
        """In the end all logs together tell what is there."""
        try:
            self.world.settle()
            self.see_all()
            for service in self.world.services:
                Deferred.fromCoroutine(service.worker.stop())
            there = [self.folder(number) for number in self._files]
            assert contents(replayed(*there)) == contents(self.world.store.inner)
        finally:
            for files in self._files.values():
                files.close()
            self._folder.cleanup()


class SharingLaws(SynchronousTestCase):
    """The machine."""

    def test_laws(self) -> None:
        """Whatever happens to services and their ways to the store."""
        run_state_machine_as_test(
            AuditedMachine,
            settings=settings(max_examples=100, stateful_step_count=40, deadline=None),
        )
