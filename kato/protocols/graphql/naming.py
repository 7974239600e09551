"""Names as GraphQL's world writes them, and as ours does."""

import re
from functools import lru_cache

_HUMP = re.compile(r"([A-Z]|(?<=[a-z])[0-9])")


@lru_cache(maxsize=1024)
def ours(name: str) -> str:
    """C{uniqueId} as C{unique_id}, C{top1} as C{top_1}."""
    return _HUMP.sub(r"_\1", name).lower()
