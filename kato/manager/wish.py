"""What a person says of a server that is to run."""

from dataclasses import dataclass

from kato.manager.command_line import values, without_keys
from kato.manager.registry import Instance
from kato.manager.splitting import split_options
from kato.manager.trouble import Trouble


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A name, a port, how many services there are to be beside the gateway, and the options of all
    of them; C{None}, and no options: nothing is said."""

    name: str | None = None
    port: int | None = None
    services: int | None = None
    options: tuple[str, ...] = ()

    def judge(self) -> None:
        """See that a server can be as is wished.

        @raise Trouble: where two ways to tell a port contradict each other, or an option says what
            the manager says to services itself.
        """
        if self.services:
            split_options(self.options)
        if self.port is not None and values(self.options, "--listen"):
            raise Trouble("--port: --listen tells the port already; give one of them")

    def fits(self, instance: Instance) -> bool:
        """Whether a server is as is wished; a key is not compared, since it is not written
        down."""
        return (
            self.name in (None, instance.name)
            and self.port in (None, instance.port)
            and self.services in (None, instance.services)
            and tuple(without_keys(self.options)[0]) in ((), instance.options)
        )
