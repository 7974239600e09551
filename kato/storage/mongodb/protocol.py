"""txmongo's protocol, where it falls short of what is promised here."""

import secrets
from typing import Any

from bson.binary import Binary
from pymongo.errors import WriteConcernError
from twisted.internet.defer import inlineCallbacks
from txmongo.protocol import MongoAuthenticationError, MongoProtocol

from kato.storage.mongodb.scram import Conversation


class Protocol(MongoProtocol):  # type: ignore[misc]
    """It takes no commit for done that is not on a majority's disks, which txmongo passes over in
    the answer to a C{commitTransaction}; it logs in with SCRAM-SHA-256; and it stays with one
    server where that is asked."""

    @inlineCallbacks
    def send_msg(self, *args: Any, **kwargs: Any) -> Any:
        """Send a command; gives its reply.

        @raise WriteConcernError: where it is done, but not as safely as was asked.
        """
        reply = yield super().send_msg(*args, **kwargs)
        unsafe = reply and reply.get("writeConcernError")
        if unsafe:
            raise WriteConcernError(unsafe.get("errmsg", ""), unsafe.get("code"), unsafe)
        return reply

    def send_op_query_command(self, database: Any, query: Any) -> Any:
        """Greet a server, or log in.  With the option C{directConnection} the others are kept from
        txmongo that a server tells of, to which it would turn."""
        found = super().send_op_query_command(database, query)
        if self.factory.uri["options"].get("directconnection"):
            found.addCallback(_alone)
        return found

    @inlineCallbacks
    def authenticate(self, database_name: Any, username: Any, password: Any, mechanism: Any) -> Any:
        """Log in; where that fails, the connection is of no use."""
        if mechanism == "DEFAULT":
            mechanism = yield self._mechanism(str(database_name), str(username))
        if mechanism == "SCRAM-SHA-256":
            yield self._log_in(str(database_name), str(username), str(password))
        else:
            yield super().authenticate(database_name, username, password, mechanism)

    @inlineCallbacks
    def _mechanism(self, database: str, user: str) -> Any:
        asked = {"ismaster": 1, "saslSupportedMechs": f"{database}.{user}"}
        hello = yield self.send_op_query_command("admin", asked)
        known = hello.get("saslSupportedMechs", ["SCRAM-SHA-256"])
        return "SCRAM-SHA-256" if "SCRAM-SHA-256" in known else "SCRAM-SHA-1"

    @inlineCallbacks
    def _log_in(self, database: str, user: str, password: str) -> Any:
        nonce = secrets.token_urlsafe(24)
        conversation = Conversation(user, password, nonce)
        start = {"saslStart": 1, "mechanism": "SCRAM-SHA-256"}
        told = yield self._say(database, start, conversation.first())
        going_on = {"saslContinue": 1, "conversationId": told["conversationId"]}
        answer = conversation.final(bytes(told["payload"]))
        told = yield self._say(database, going_on, answer)
        if not conversation.is_genuine(bytes(told["payload"])):
            raise MongoAuthenticationError("the server does not prove that it knows the password")
        while not told["done"]:
            told = yield self._say(database, going_on, b"")

    @inlineCallbacks
    def _say(self, database: str, command: dict[str, Any], payload: bytes) -> Any:
        said = {**command, "payload": Binary(payload)}
        told = yield self.send_op_query_command(database, said)
        if not told.get("ok"):
            raise MongoAuthenticationError("the server does not let us in")
        return told


def _alone(hello: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in hello.items() if name != "hosts"}
