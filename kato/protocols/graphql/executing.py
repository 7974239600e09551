"""Documents executed on graphql-core, without an event loop (see L{answers})."""

from collections.abc import Mapping
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLLeafType,
    GraphQLList,
    GraphQLObjectType,
    GraphQLOutputType,
    OperationType,
    Undefined,
    get_named_type,
)
from graphql.execution import Executor
from graphql.pyutils import Path

from kato.protocols.graphql.resolving import looked_up
from kato.protocols.graphql.room import Told
from kato.protocols.graphql.schema import make_schema
from kato.protocols.graphql.selecting import Info
from kato.protocols.graphql.sizes import SHIFT, size_of
from kato.protocols.graphql.telling import is_defect, let_go

_PLAIN = frozenset({"String", "ID", "Float", "Emotives"})
"""What lists may consist of that need not be looked at entry by entry."""


_LONG_STRING = 1 << SHIFT
"""A string of fewer characters counts as any other value, and so it is counted already."""


def _never(value: object) -> bool:
    return False


class PlainExecutor(Executor[Any]):
    """Executes at once.  Lists of strings and numbers, of which our answers mostly consist, are
    given on as they are: they are what the schema says, and to look at each entry takes longer than
    all the rest.

    What is told is counted meanwhile.
    """

    told: Told

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Path | None,
        grouped_field_set: Any,
        position_context: Any,
    ) -> Any:
        """An object; there may be many of them in a list."""
        size = 1 + 2 * len(grouped_field_set)
        if path is not None and type(path.key) is int:
            self.told.add(size, brief=0)
        else:
            self.told.size += size
        return super().execute_fields(
            parent_type, source_value, path, grouped_field_set, position_context
        )

    def complete_leaf_value(  # type: ignore[override]  # it needs nothing of the executor's there
        self, return_type: GraphQLLeafType, result: Any
    ) -> Any:
        """A string, a number, or what else lies in nothing further."""
        value = return_type.coerce_output_value(result)
        kind = type(value)
        if kind is str:
            if len(value) >= _LONG_STRING:
                self.told.add(len(value) >> SHIFT)
        elif kind is dict or kind is list:
            self.told.add(size_of(value))
        elif value is None or value is Undefined:
            return super().complete_leaf_value(return_type, result)  # which says what is wrong
        return value

    def complete_list_value(
        self,
        return_type: GraphQLList[GraphQLOutputType],
        field_details_list: Any,
        info: Info,
        path: Any,
        result: Any,
        position_context: Any,
    ) -> Any:
        """A list as it stands in the answer."""
        if get_named_type(return_type).name in _PLAIN:
            self.told.add_list(result)
            return result
        return super().complete_list_value(
            return_type, field_details_list, info, path, result, position_context
        )

    def run(self, root: object, context: object, counts: Told) -> ExecutionResult:
        """Execute the operation once more.

        @param counts: counts what is told.

        What an executor finds out of a document it keeps for ever, so each time is given a new one.
        """
        fresh = type(self)(
            self.schema,
            self.fragment_definitions,
            self.fragments,
            root,
            context,
            self.operation,
            self.variable_values,
            self.field_resolver,
            self.type_resolver,
            self.subscribe_field_resolver,
            is_awaitable=_never,  # type: ignore[arg-type]  # says never what a guard says
            is_async_iterable=_never,  # type: ignore[arg-type]
        )
        fresh.told = counts
        try:
            result = fresh.execute_operation()
        finally:
            fresh.break_circle()
        assert isinstance(result, ExecutionResult)
        for error in result.errors or ():
            if not is_defect(error):
                let_go(error)
        return result

    def break_circle(self) -> None:
        """Let go of what refers back to this: all that came for a document would be kept until the
        collector comes by, after each execution."""
        del self.async_helpers

    @property
    def subscribes(self) -> bool:
        """Whether the operation is a subscription."""
        return self.operation.operation is OperationType.SUBSCRIPTION

    @property
    def changes(self) -> bool:
        """Whether it is a mutation."""
        return self.operation.operation is OperationType.MUTATION


def make_executor(
    document: DocumentNode, variables: Mapping[str, Any], name: str | None
) -> PlainExecutor | list[GraphQLError]:
    """What executes one operation of a valid document; or why that cannot be."""
    made = PlainExecutor.build(
        make_schema(),
        document,
        raw_variable_values=dict(variables),
        operation_name=name,
        field_resolver=looked_up,
    )
    if isinstance(made, PlainExecutor):
        made.break_circle()
        return made
    assert isinstance(made, list)
    return made
