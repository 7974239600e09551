"""How deep a document goes and what it costs, reckoned before anything is asked.

A field costs 1, and one that asks a processor or the server L{ASKING}.  All that is below a field
with an argument C{limit} counts as often as that says.  Fragments count wherever they are spread.
How deep introspection goes is none of ours to judge: graphql-core has a rule of its own.
"""

from typing import Any, NamedTuple

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLNamedType,
    InlineFragmentNode,
    SelectionNode,
    SelectionSetNode,
    get_named_type,
)
from graphql.execution import Executor, get_argument_values

from kato.commands import MAX_PAGE
from kato.errors import InvalidRequest
from kato.protocols.graphql.resolving import ASKING_FIELDS

ASKING = 10
"""What a field costs that asks a processor or the server."""


class Weight(NamedTuple):
    """How many fields lie in each other, and what all of them cost."""

    depth: int = 0
    cost: int = 0

    def check(self, most: "Weight") -> None:
        """See that there is no more of anything.

        @raise InvalidRequest: where it is too deep, or costs too much.
        """
        if self.depth > most.depth:
            raise InvalidRequest(
                f"query: {self.depth:,} fields lie in each other, over the limit of {most.depth:,}"
            )
        if self.cost > most.cost:
            raise InvalidRequest(
                f"query: it costs {self.cost:,}, over the limit of {most.cost:,}; ask for fewer "
                "fields, or for shorter lists"
            )


class Scales:
    """Weighs one operation of a valid document, each of its fragments once."""

    def __init__(self, executor: Executor[Any]) -> None:
        """@param executor: knows the operation, its fragments and its variables."""
        self._executor = executor
        self._known: dict[str, Weight] = {}

    def weigh(self) -> Weight:
        """The weight of all of it."""
        operation = self._executor.operation
        root = self._executor.schema.get_root_type(operation.operation)
        return self._set(operation.selection_set, root)

    def _set(self, chosen: SelectionSetNode | None, kind: GraphQLNamedType | None) -> Weight:
        depth = cost = 0
        for each in chosen.selections if chosen is not None else ():
            weight = self._selection(each, kind)
            depth, cost = max(depth, weight.depth), cost + weight.cost
        return Weight(depth, cost)

    def _selection(self, each: SelectionNode, kind: GraphQLNamedType | None) -> Weight:
        if isinstance(each, FieldNode):
            return self._field(each, kind)
        if isinstance(each, InlineFragmentNode):
            on = each.type_condition
            return self._set(each.selection_set, kind if on is None else self._type(on.name.value))
        assert isinstance(each, FragmentSpreadNode), "there is no other selection"
        return self._fragment(each.name.value)

    def _fragment(self, name: str) -> Weight:
        weight = self._known.get(name)
        if weight is None:
            fragment = self._executor.fragment_definitions[name]
            kind = self._type(fragment.type_condition.name.value)
            weight = self._known[name] = self._set(fragment.selection_set, kind)
        return weight

    def _type(self, name: str) -> GraphQLNamedType:
        return self._executor.schema.type_map[name]

    def _field(self, node: FieldNode, kind: GraphQLNamedType | None) -> Weight:
        name = node.name.value
        field: GraphQLField | None = getattr(kind, "fields", {}).get(name)
        if field is None:  # one that every type has, or all of introspection
            return Weight(1, 1)
        below = self._set(node.selection_set, get_named_type(field.type))
        own = ASKING if f"{kind}.{name}" in ASKING_FIELDS else 1
        return Weight(1 + below.depth, own + self._times(node, field) * below.cost)

    def _times(self, node: FieldNode, field: GraphQLField) -> int:
        """How often all that is below a field counts."""
        if "limit" not in field.args or node.selection_set is None:
            return 1
        try:
            given = get_argument_values(field, node, self._executor.variable_values)
        except GraphQLError:  # the field fails, and nothing below it is looked at
            return 0
        return min(max(int(given["limit"]), 0), MAX_PAGE)
