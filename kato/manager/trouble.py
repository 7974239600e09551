"""What a person is told when something cannot be done."""


class Trouble(Exception):
    """One line that says what is wrong; the manager ends with status 1."""
