"""REST described for programs: OpenAPI 3.1, made of the tables of operations and of paths (SPEC 9).

Nothing is said here that a table says already.
"""

from kato.protocols.rest.openapi.document import description

__all__ = ["description"]
