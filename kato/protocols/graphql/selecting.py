"""What is selected of a field."""

from typing import Any

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLResolveInfo,
    InlineFragmentNode,
    SelectionSetNode,
)

Info = GraphQLResolveInfo[Any]
"""What a field knows of where it stands."""


def selects(info: Info, name: str) -> bool:
    """Whether C{name} may be among what is selected of a field; what is to be left out by a
    directive counts, too."""
    waiting: list[SelectionSetNode | None] = [each.selection_set for each in info.field_nodes]
    seen: set[str] = set()
    while waiting:
        chosen = waiting.pop()
        for each in chosen.selections if chosen is not None else ():
            if isinstance(each, FieldNode):
                if each.name.value == name:
                    return True
            elif isinstance(each, InlineFragmentNode):
                waiting.append(each.selection_set)
            elif isinstance(each, FragmentSpreadNode) and each.name.value not in seen:
                seen.add(each.name.value)
                waiting.append(info.fragments[each.name.value].selection_set)
    return False
