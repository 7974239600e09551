"""Documents executed on graphql-core, without an event loop (see L{answers})."""

from collections.abc import Mapping
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLList,
    GraphQLOutputType,
    OperationType,
    get_named_type,
)
from graphql.execution import Executor

from kato.protocols.graphql.resolving import looked_up
from kato.protocols.graphql.schema import make_schema
from kato.protocols.graphql.selecting import Info

_PLAIN = frozenset({"String", "ID", "Float", "Emotives"})
"""What lists may consist of that need not be looked at entry by entry."""


def _never(value: object) -> bool:
    return False


class PlainExecutor(Executor[Any]):
    """Executes at once.  Lists of strings and numbers, of which our answers mostly consist, are
    given on as they are: they are what the schema says, and to look at each entry takes longer than
    all the rest."""

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
            return result
        return super().complete_list_value(
            return_type, field_details_list, info, path, result, position_context
        )

    def run(self, root: object, context: object) -> ExecutionResult:
        """Execute the operation once more.

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
        result = fresh.execute_operation()
        assert isinstance(result, ExecutionResult)
        return result

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
    return PlainExecutor.build(  # type: ignore[return-value]  # gives one of the class it is called on
        make_schema(),
        document,
        raw_variable_values=dict(variables),
        operation_name=name,
        field_resolver=looked_up,
    )
