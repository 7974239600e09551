"""What a distributed system must not do, each done once to a simulated one."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tests.cluster.history import Crash
from tests.cluster.simulator import Asked, Deed, Service, Simulation

_LEARNS = ("learn", "observe_sequence")
_LATER = 0.1
"""So long after an answer no request is under way that was sent before it."""
_SHAKEN = 0.1
"""So long after a crash nobody can say what was lost by it."""


def _calm(simulation: Simulation) -> bool:
    """Whether enough happened, and no crash did a moment ago that could explain it."""
    last = max((each.ended for each in simulation.crashes), default=0.0)
    return len(simulation.calls) > 20 and simulation.now > last + _SHAKEN


def _become(simulation: Simulation, did: Sequence[Asked]) -> bool:
    """Be as if something else had been done; gives whether that makes a difference."""
    other = Service()
    other.become(did)
    if _seen(other) == _seen(simulation.service):
        return False
    simulation.service.become(did)
    simulation.end()
    simulation.deed_done = True
    return True


def _seen(service: Service) -> list[Mapping[str, Any]]:
    """All that can be seen of a service."""
    asked = ("list_models", "get_short_term_memory", "get_genes")
    other = service.as_of(len(service.did))
    return [other.say(Asked(each, {}, "seen", named=False)) for each in asked]


def _without(simulation: Simulation, lost: Asked) -> list[Asked]:
    return [each for each in simulation.service.did if each is not lost]


def lost_learn(simulation: Simulation) -> bool:
    """A learn that was answered is gone."""
    found = _made_models(simulation)
    return (
        _calm(simulation) and bool(found) and _become(simulation, _without(simulation, found[-1]))
    )


def doubled_learn(simulation: Simulation) -> bool:
    """A learn that was sent once is done twice."""
    found = simulation.told("observe_sequence")
    if not (_calm(simulation) and found):
        return False
    again = replace(found[-1], request_id=f"{found[-1].request_id}-again")
    again.params["observations"] = [
        {name: value for name, value in each.items() if name != "unique_id"}
        for each in again.params["observations"]
    ]
    place = simulation.service.did.index(found[-1])
    did = list(simulation.service.did)
    return _become(simulation, [*did[: place + 1], again, *did[place + 1 :]])


def stale_read(simulation: Simulation) -> bool:
    """A question is answered by what was before something that had been answered already."""
    found = simulation.told("observe", *_LEARNS)
    if not (_calm(simulation) and found):
        return False
    did, since = simulation.service.did, simulation.now
    old = simulation.service.as_of(did.index(found[-1]))

    def read(asked: Asked, said: dict[str, Any]) -> dict[str, Any]:
        if simulation.now < since + _LATER or asked.operation != "list_models":
            return said
        stale = old.say(asked)
        if stale == said:
            return said
        simulation.read = lambda asked, said: said
        simulation.deed_done = True
        return stale

    simulation.read = read
    return True


def two_owners(simulation: Simulation) -> bool:
    """From now on another service answers one of the clients, as if it were the only one."""
    if not _calm(simulation):
        return False
    other = simulation.service.as_of(len(simulation.service.did))
    before = list(other.did)

    def owner(client: str) -> Service:
        heard = {
            each.request_id for each in simulation.calls if (each.answer or {}).get("interval")
        }
        simulation.deed_done = any(
            each.operation == "observe" and each.request_id in heard
            for each in other.did[len(before) :]
        )
        return other if client == "c0" else simulation.service

    simulation.owner = owner
    return True


def mixture(simulation: Simulation) -> bool:
    """After a crash something in the middle is gone, and what came after it is there."""
    learned = _made_models(simulation)
    if not (_calm(simulation) and learned):
        return False
    did = simulation.service.did
    before = did[: did.index(learned[-1])]
    lost = [each for each in simulation.told("observe") if each in before]
    if not lost or not _become(simulation, _without(simulation, lost[-1])):
        return False
    _shake(simulation)
    return True


def resurrected(simulation: Simulation) -> bool:
    """After a crash a model is there again that had been deleted."""
    found = simulation.told("delete_model")
    if not (_calm(simulation) and found and _become(simulation, _without(simulation, found[-1]))):
        return False
    _shake(simulation)
    return True


def fell_too_far(simulation: Simulation) -> bool:
    """After a crash something is gone that must last."""
    found = _made_models(simulation)
    if not (_calm(simulation) and found):
        return False
    did = simulation.service.did
    if not _become(simulation, did[: did.index(found[-1])]):
        return False
    _shake(simulation)
    return True


def out_of_order(simulation: Simulation) -> bool:
    """Two things happened in the other order than that in which they were answered."""
    did = list(simulation.service.did)
    found = simulation.told("observe")
    if not _calm(simulation) or len(found) < 2:
        return False
    one, other = (did.index(each) for each in found[-2:])
    did[one], did[other] = did[other], did[one]
    return _become(simulation, did)


def _made_models(simulation: Simulation) -> list[Asked]:
    """What was answered with a model that was learned."""
    named = {
        each.request_id
        for each in simulation.calls
        if (each.answer or {}).get("model_name") or (each.answer or {}).get("learned_models")
    }
    return [each for each in simulation.told(*_LEARNS) if each.request_id in named]


def _shake(simulation: Simulation) -> None:
    simulation.crashes.append(Crash(simulation.now - 0.01, simulation.now + 0.01))


DEEDS: Mapping[str, Deed] = {
    each.__name__: each
    for each in (
        lost_learn,
        doubled_learn,
        stale_read,
        two_owners,
        mixture,
        resurrected,
        fell_too_far,
        out_of_order,
    )
}
