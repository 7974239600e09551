"""KATO for people: the program C{kato} (docs/cli.md).

It stands on L{kato.client}, and knows of servers what any client does.  Tables where people read,
JSON where programs do, and exit statuses that say what went wrong.
"""
