"""A processor of the original KATO, taken for one of ours (docs/from-kato.md).

The original names a model by the SHA-1 of its printed sequence, as we do, so a model keeps its
name.  Its vectors have other names than ours: where it holds a vector's components the symbol is
made anew, and a model in which such a symbol stands gets another name with that.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from kato.changes import Percept, Snapshot, State, StoredVector
from kato.errors import InvalidRequest
from kato.fields import array, integer, mapping, number, shown, text
from kato.model import Emotives, Felt, Model, Sequence, full_name, model_name
from kato.moving.trouble import Trouble
from kato.observation import VECTOR_PREFIX, Event, vector_symbol

SEQUENCES: Mapping[str, str] = {"models_kb": "sequence", "patterns_kb": "pattern_data"}
"""The collections in which the original keeps what it learned, each with the field of a sequence;
later versions speak of patterns."""

VECTORS = "vectors_kb"

_VECTOR_PREFIXES = (VECTOR_PREFIX, "VCTR|")
"""With what a vector's symbol begins, in earlier and later versions of the original."""

Document = Mapping[str, Any]


def learned_in(counts: Mapping[str, int], where: str) -> str:
    """The collection with what was learned.

    @param counts: how many documents there are in each.
    @raise Trouble: where there is none, or more than one.
    """
    found = [name for name in SEQUENCES if counts.get(name)]
    if len(found) != 1:
        what = "neither" if not found else "both"
        raise Trouble(
            f"{where} holds {what} of {' and '.join(SEQUENCES)}, of which a database of the "
            "original has one"
        )
    return found[0]


class Original:
    """Converts the documents of one processor."""

    def __init__(self, collection: str, vectors: Iterable[Document]) -> None:
        """
        @param collection: where its models are, one of L{SEQUENCES}.
        @raise Trouble: where one of the vectors is none.
        """
        self._collection = collection
        self._symbols: dict[str, str] = {}
        self._vectors: dict[str, StoredVector] = {}
        self.renamed = 0
        """How many models have another name, since vectors stand in them."""
        self.unknown = set[str]()
        """Symbols of vectors that the database does not hold."""
        for document in vectors:
            self._add(document)

    @property
    def vectors(self) -> tuple[StoredVector, ...]:
        """The vectors, by our names."""
        return tuple(self._vectors.values())

    def snapshot(self, processor: str, models: Iterable[Document]) -> Snapshot:
        """The processor, with genes, short-term memory and all that the original does not store as
        in a new one.  Its models stream.

        @raise Trouble: where, as they stream, one of the models is none.
        """
        return Snapshot(
            processor=processor,
            state=State(processor),
            percept=Percept(),
            events=(),
            vectors=self.vectors,
            observations=(),
            requests=(),
            models=self._models(models),
        )

    def _add(self, document: Document) -> None:
        try:
            name = text(document.get("name"), "name")
            components = array(document.get("vector"), "vector")
            vector = tuple(number(each, f"vector[{i}]") for i, each in enumerate(components))
        except InvalidRequest as error:
            raise _unfit(VECTORS, document, error) from None
        symbol = vector_symbol(vector)
        self._symbols[name] = symbol
        self._vectors[symbol] = StoredVector(symbol, vector, True)

    def _models(self, documents: Iterable[Document]) -> Iterator[Model]:
        """The models; those with other names last, since two of them may have become one."""
        renamed: dict[str, Model] = {}
        for document in documents:
            try:
                model = self._model(document)
            except InvalidRequest as error:
                raise _unfit(self._collection, document, error) from None
            sequence = tuple(map(self._event, model.sequence))
            if sequence == model.sequence:
                yield model
            else:
                self.renamed += 1
                made = replace(model, name=model_name(sequence), sequence=sequence)
                renamed[made.name] = _joined(renamed.get(made.name), made)
        yield from renamed.values()

    def _model(self, document: Document) -> Model:
        """A model as it stands there.

        @raise InvalidRequest: where it is none, or its name is not that of its sequence.
        """
        field = SEQUENCES[self._collection]
        name = full_name(text(document.get("name"), "name"))
        sequence = _sequence(document.get(field), field)
        if name != model_name(sequence):
            raise InvalidRequest(f"name: it is not the SHA-1 of {field}")
        frequency = int(integer(document.get("frequency"), "frequency", least=1))
        return Model(name, sequence, frequency, _felt(document.get("emotives", {}), "emotives"))

    def _event(self, event: Event) -> Event:
        """An event with our symbols of its vectors, each once, sorted, before all others."""
        ours = {self._symbols[each] for each in event if each in self._symbols}
        others = [each for each in event if each not in self._symbols]
        self.unknown.update(each for each in others if each.startswith(_VECTOR_PREFIXES))
        return (*sorted(ours), *others)


def _joined(first: Model | None, second: Model) -> Model:
    """Two models that have become one, since the original had two names for one vector."""
    if first is None:
        return second
    frequency = first.frequency + second.frequency
    return replace(first, frequency=frequency, emotives=first.emotives + second.emotives)


def _sequence(value: object, path: str) -> Sequence:
    return tuple(
        tuple(text(symbol, f"{path}[{i}][{j}]") for j, symbol in enumerate(array(event, path)))
        for i, event in enumerate(array(value, path))
    )


def _felt(value: object, path: str) -> Felt:
    """Emotives: a list of what was felt at each learning, or, where the original was told them by
    hand, an object with a list for each name; an empty one where nothing was felt."""
    if not isinstance(value, dict):
        return tuple(_emotives(each, f"{path}[{i}]") for i, each in enumerate(array(value, path)))
    lists = {
        name: [number(each, f"{path}.{name}") for each in array(values, f"{path}.{name}")]
        for name, values in mapping(value, path).items()
    }
    longest = max(map(len, lists.values()), default=0)
    return tuple(
        {name: values[i] for name, values in lists.items() if i < len(values)}
        for i in range(longest)
    )


def _emotives(value: object, path: str) -> Emotives:
    emotives = mapping(value, path)
    return {name: number(each, f"{path}.{name}") for name, each in emotives.items()}


def _unfit(collection: str, document: Document, error: InvalidRequest) -> Trouble:
    name = shown(document.get("name"))
    return Trouble(f"{collection}, the document with the name {name}: {error}")
