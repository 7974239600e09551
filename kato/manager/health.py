"""How the servers of this machine are."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

from kato.manager.command_line import known_key
from kato.manager.registry import Instance, Registry
from kato.manager.system import System
from kato.manager.trouble import Trouble

_UNAUTHORIZED = 401


class Health(Enum):
    """How a server is, in a word."""

    READY = "ready"
    STARTING = "starting"
    LACKING = "lacks a service"
    SILENT = "does not answer"
    STOPPED = "stopped"
    DEAD = "dead"

    @property
    def runs(self) -> bool:
        """Whether there is a process."""
        return self not in (Health.STOPPED, Health.DEAD)


@dataclass(frozen=True, slots=True)
class Report:
    """An instance as it is now; C{uptime} is in seconds; C{services} are those beside a gateway."""

    instance: Instance
    health: Health
    uptime: float | None
    services: "tuple[Report, ...]" = ()

    @property
    def family(self) -> "tuple[Report, ...]":
        """The server itself, then its services."""
        return (self, *self.services)


class Watch:
    """Looks at instances, and asks them."""

    def __init__(
        self, registry: Registry, *, system: System, environment: Mapping[str, str]
    ) -> None:
        """@param environment: where a key may be told by which servers are asked."""
        self._registry = registry
        self._system = system
        self._environment = environment

    def find(self, instance_id: str) -> Instance:
        """An instance by its id.

        @raise Trouble: where there is none.
        """
        known = self._registry.read()
        if instance_id not in known:
            others = f"; there are {', '.join(sorted(known))}" if known else ""
            raise Trouble(f"--id {instance_id}: no server of this id was started here{others}")
        return known[instance_id]

    def services(self, gateway: Instance) -> list[Instance]:
        """The services of a gateway, in order."""
        known = self._registry.read()
        ids = (f"{gateway.id}.{number}" for number in range(1, gateway.services + 1))
        return [known[each] for each in ids if each in known]

    def runs(self, instance: Instance) -> bool:
        """Whether its process lives."""
        return self._system.is_running(instance.pid, instance.birth)

    def listens(self, instance: Instance) -> bool:
        """Whether that very process can be reached: what answers in its place is not asked."""
        return self._system.listens(instance.pid, urlsplit(instance.url).port or 0)

    def report(self, instance: Instance, key: str | None = None) -> Report:
        """How an instance is; a service is what its gateway says.

        @param key: by which it may be asked, where the environment does not tell.
        """
        if instance.of is not None:
            family = self.report(self.find(instance.of), key).services
            return next(each for each in family if each.instance.id == instance.id)
        told = self._told_of_services(instance, key)
        services = tuple(self._service(each, told) for each in self.services(instance))
        return self._reported(instance, self._health(instance, services, key), services)

    def reports(self) -> list[Report]:
        """How all instances are, by id; services stand behind their gateway."""
        known = self._registry.read()
        own = (self.report(known[each]) for each in sorted(known) if known[each].of is None)
        return [each for report in own for each in report.family]

    def details(self, instance: Instance, key: str | None = None) -> dict[str, Any]:
        """What a server tells of itself, and a gateway of its service; nothing where it does
        not."""
        if instance.of is not None:
            told = self.details(self.find(instance.of), key).get("services", {})
            of_service: dict[str, Any] = told.get(_known_as(instance), {})
            return of_service
        answer = self._system.ask(f"{instance.url}/stats", key or self._key(instance))
        return answer[1] if answer is not None and answer[1].get("status") == "okay" else {}

    def _key(self, instance: Instance) -> str | None:
        return known_key(instance.options, self._environment, instance.folder)

    def _reported(
        self, instance: Instance, health: Health, services: tuple[Report, ...] = ()
    ) -> Report:
        uptime = self._system.now() - instance.began if health.runs else None
        return Report(instance, health, uptime, services)

    def _ended(self, instance: Instance) -> Health:
        return Health.STOPPED if instance.stopped else Health.DEAD

    def _health(self, instance: Instance, services: tuple[Report, ...], key: str | None) -> Health:
        if not self.runs(instance):
            return self._ended(instance)
        if not all(each.health.runs for each in services):
            return Health.LACKING
        health = self._answers(instance, key)
        if health is Health.READY and any(each.health is not Health.READY for each in services):
            silent = any(each.health is Health.SILENT for each in services)
            return Health.LACKING if silent else Health.STARTING
        return health

    def _answers(self, instance: Instance, key: str | None) -> Health:
        """What a process that runs says itself."""
        answer = None
        if self.listens(instance):
            answer = self._system.ask(f"{instance.url}/ready")
        if answer is None:
            return Health.SILENT
        ready = answer[1].get("status") == "okay" and self._has_all(instance, key)
        return Health.READY if ready else Health.STARTING

    def _has_all(self, gateway: Instance, key: str | None) -> bool:
        """Whether a gateway reaches all processors of its services, also those that they load; one
        that does not tell us, since we have no key, is believed."""
        if not gateway.services:
            return True
        url = f"{gateway.url}/processors?limit=1"
        answer = self._system.ask(url, key or self._key(gateway))
        if answer is None:
            return False
        status, listed = answer
        return status == _UNAUTHORIZED or (
            listed.get("status") == "okay" and "unavailable" not in listed
        )

    def _told_of_services(self, gateway: Instance, key: str | None) -> Mapping[str, Any] | None:
        """What a gateway says of its services, by their hosts and ports; C{None}: nothing."""
        if not gateway.services or not self.runs(gateway) or not self.listens(gateway):
            return None
        return self.details(gateway, key).get("services")

    def _service(self, service: Instance, told: Mapping[str, Any] | None) -> Report:
        if not self.runs(service):
            return self._reported(service, self._ended(service))
        if not self.listens(service):
            return self._reported(service, Health.STARTING)
        if told is None:
            return self._reported(service, Health.READY)
        return self._reported(service, _as_told(service, told))


def _as_told(service: Instance, told: Mapping[str, Any]) -> Health:
    """How a service is by the word of its gateway: what it heard of the process before is not
    about this one."""
    entry = told.get(_known_as(service))
    if entry is None or (entry["announced"] or 0.0) < service.began:
        return Health.STARTING
    return Health.READY if entry["healthy"] else Health.SILENT


def _known_as(service: Instance) -> str:
    """By which name a gateway tells of a service."""
    return service.url.removeprefix("tcp://")
