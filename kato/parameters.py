"""What may be said to operations (SPEC 8): each class names the parameters of one, how they are
judged and what they mean; nowhere else is that said."""

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, Self

from kato.errors import InvalidRequest
from kato.fields import array, boolean, mapping, number, within
from kato.genes import A_CHANGE, A_GENE, parse_gene
from kato.kinds import FLAG, TEXT, Kind, whole
from kato.model import Emotives
from kato.observation import OBSERVATION, Observation
from kato.schemas import ANYTHING, NUMBER, Schema, a_list, by_name, closed, named, record, said

MAX_PAGE = 10_000
"""How many entries a list gives at most at a time."""


def _param(kind: Kind, default: Any = MISSING, says: str = "") -> Any:
    """A parameter: what kind it is of, what it is where it is left out, and what it means."""
    told = said(says, kind.schema) if says else kind.schema
    if default is not MISSING and default is not None:
        told = {**told, "default": default}
    return field(default=default, metadata={"judge": kind.judge, "schema": told})


def _observations(value: object, path: str) -> tuple[Observation, ...]:
    return tuple(
        Observation.parse(item, f"{path}[{i}]") for i, item in enumerate(array(value, path))
    )


def _emotives(value: object, path: str) -> tuple[Emotives, ...]:
    return tuple(
        {
            name: number(each, within(f"{path}[{i}]", name))
            for name, each in mapping(item, f"{path}[{i}]").items()
        }
        for i, item in enumerate(array(value, path))
    )


_AN_OBSERVATION = Kind(Observation.parse, named("Observation"))
_OBSERVATIONS = Kind(_observations, a_list(named("Observation")))
_EMOTIVES = Kind(_emotives, a_list(by_name(NUMBER)))
_VALUE = Kind(lambda value, path: value, ANYTHING)
_LIMIT = whole(1, MAX_PAGE)

_brief = _param(FLAG, False, "Answer with the length of short-term memory in its place.")
_model_name = _param(TEXT, says="The model's name; its prefix `MODEL|` may be left out.")
_gene = _param(A_GENE, says="The name of a gene.")


@dataclass(frozen=True, slots=True)
class Params:
    """The parameters of an operation, none here."""

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        """Judge decoded parameters.

        @raise InvalidRequest: for the first that is unknown, missing or unfit.
        """
        declared: tuple[Field[Any], ...] = fields(cls)
        mapping(raw, "params", frozenset(each.name for each in declared))
        for each in declared:
            if each.default is MISSING and each.name not in raw:
                raise InvalidRequest(f"{each.name}: missing")
        return cls(
            **{
                each.name: each.metadata["judge"](raw[each.name], each.name)
                for each in declared
                if each.name in raw
            }
        )

    @classmethod
    def schema(cls) -> Schema:
        """What L{parse} takes, as JSON Schema."""
        declared: tuple[Field[Any], ...] = fields(cls)
        shapes = {each.name: each.metadata["schema"] for each in declared}
        optional = [each.name for each in declared if each.default is not MISSING]
        return closed(record(shapes, optional=optional))

    def sent(self) -> dict[str, Any]:
        """The parameters as a client would send them, from which L{parse} makes the same; what is
        as it would be anyway is left out."""
        values = ((each, getattr(self, each.name)) for each in fields(self))
        return {each.name: value for each, value in values if value != each.default}


@dataclass(frozen=True, slots=True)
class Observe(Params):
    """An observation, its keys beside C{brief}."""

    observation: Observation = _param(_AN_OBSERVATION)
    brief: bool = _brief

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        """Judge decoded parameters, of which all but C{brief} are the observation's."""
        if "brief" not in raw:
            return cls(Observation.parse(raw))
        rest = {key: value for key, value in mapping(raw, "params").items() if key != "brief"}
        return cls(Observation.parse(rest), boolean(raw["brief"], "brief"))

    @classmethod
    def schema(cls) -> Schema:
        """An observation, with C{brief} beside."""
        _, brief = fields(cls)
        shapes = {**OBSERVATION["properties"], "brief": brief.metadata["schema"]}
        return {**OBSERVATION, "properties": shapes}

    def sent(self) -> dict[str, Any]:
        """The observation as it is sent, with C{brief} beside."""
        sent = self.observation.sent()
        if self.brief:
            sent["brief"] = True
        return sent


@dataclass(frozen=True, slots=True)
class ObserveSequence(Params):
    """Observations that are observed as one."""

    observations: tuple[Observation, ...] = _param(
        _OBSERVATIONS, says="They are observed in this order."
    )
    learn_after_each: bool = _param(FLAG, False, "Learn after each of them.")
    learn_at_end: bool = _param(FLAG, False, "Learn once, at the end.")
    brief: bool = _brief

    def sent(self) -> dict[str, Any]:
        """The parameters, each observation as it is sent."""
        sent = super(ObserveSequence, self).sent()
        sent["observations"] = [each.sent() for each in self.observations]
        return sent


@dataclass(frozen=True, slots=True)
class GetPredictions(Params):
    """For which observation, or for now."""

    unique_id: str | None = _param(
        TEXT, None, "Of an observation: as short-term memory was right after it."
    )


@dataclass(frozen=True, slots=True)
class GetForecast(Params):
    """How many entries."""

    limit: int = _param(_LIMIT, 10, "How many entries to give at most.")


@dataclass(frozen=True, slots=True)
class GetGene(Params):
    """Which gene."""

    gene: str = _gene


@dataclass(frozen=True, slots=True)
class ChangeGene(Params):
    """A gene, and a value that it accepts."""

    gene: str = _gene
    value: Any = _param(_VALUE, says="What the gene shall be; each accepts values of its own.")

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        """Judge the gene, then the value by it."""
        given = super(ChangeGene, cls).parse(raw)
        return cls(given.gene, parse_gene(given.gene, given.value))


@dataclass(frozen=True, slots=True)
class ChangeGenes(Params):
    """Several genes with their values."""

    genes: dict[str, Any] = _param(A_CHANGE)


@dataclass(frozen=True, slots=True)
class CreateProcessor(Params):
    """Genes that differ from the server's defaults."""

    genes: dict[str, Any] | None = _param(A_CHANGE, None)


@dataclass(frozen=True, slots=True)
class NamedModel(Params):
    """Which model; its prefix may be left out."""

    model_name: str = _model_name


@dataclass(frozen=True, slots=True)
class UpdateModel(Params):
    """A model with another frequency, other emotives, or both."""

    model_name: str = _model_name
    frequency: int | None = _param(whole(1), None, "How often it was learned.")
    emotives: tuple[Emotives, ...] | None = _param(
        _EMOTIVES, None, "In the place of those that it has."
    )

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        """Judge decoded parameters, one of which must change something."""
        given = super(UpdateModel, cls).parse(raw)
        if given.frequency is None and given.emotives is None:
            raise InvalidRequest("frequency: missing, and so is emotives; give one or both")
        return given

    @classmethod
    def schema(cls) -> Schema:
        """The parameters, one of which must change something."""
        either = [{"required": ["frequency"]}, {"required": ["emotives"]}]
        return {**super(UpdateModel, cls).schema(), "anyOf": either}


@dataclass(frozen=True, slots=True)
class ListModels(Params):
    """A page of models by name."""

    limit: int = _param(_LIMIT, 100, "How many to tell of at most.")
    after: str | None = _param(TEXT, None, "Only models whose names come behind this one.")


@dataclass(frozen=True, slots=True)
class ListProcessors(Params):
    """A page of processors by id."""

    limit: int = _param(_LIMIT, 100, "How many to tell of at most.")
    after: str | None = _param(TEXT, None, "Only processors whose ids come behind this one.")
