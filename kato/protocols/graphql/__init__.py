"""GraphQL: one more way to say what SPEC 8 knows, on graphql-core (docs/graphql.md).

L{Graphql} is all that the rest of the house needs, and L{Weight}, which says how much one document
may ask for.
"""

from kato.protocols.graphql.front import Graphql
from kato.protocols.graphql.weight import Weight

__all__ = ["Graphql", "Weight"]
