"""Names within a description."""


class Names:
    """Ids of operations, each given once: the second of a kind gets a number."""

    def __init__(self) -> None:
        self._given: dict[str, int] = {}

    def given(self, name: str) -> str:
        """This name, if it is free, or the same with the next number."""
        times = self._given[name] = self._given.get(name, 0) + 1
        return name if times == 1 else f"{name}_{times}"


def answer_name(operation: str) -> str:
    """Under which name the answer of an operation is described: C{GetGeneAnswer}."""
    return "".join(map(str.capitalize, operation.split("_"))) + "Answer"


def summary(says: str) -> str:
    """The first sentence, without its full stop."""
    return says.partition(". ")[0].rstrip(".")


def words_of(path: str) -> tuple[str, ...]:
    """The words of a route's path, those in braces as they stand."""
    return tuple(path[1:].split("/"))
