"""How a client and MongoDB prove to each other that both know a password."""

from twisted.trial.unittest import SynchronousTestCase

from kato.storage.mongodb.scram import Conversation


class ScramTests(SynchronousTestCase):
    """SCRAM-SHA-256, by the example of RFC 7677."""

    def setUp(self) -> None:
        self.conversation = Conversation("user", "pencil", "rOprNGfwEbeRWgbNEkqO")
        self.challenge = (
            b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
            b"s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
        )

    def test_example(self) -> None:
        """It says what it must, and knows a genuine server."""
        self.assertEqual(self.conversation.first(), b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO")
        self.assertEqual(
            self.conversation.final(self.challenge),
            b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
            b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        )
        genuine = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
        self.assertTrue(self.conversation.is_genuine(genuine))
        self.assertFalse(self.conversation.is_genuine(b"v=" + b"A" * 43 + b"="))

    def test_impostor(self) -> None:
        """A challenge to somebody else, or one that makes guessing easy, is not answered; nobody is
        genuine before."""
        self.assertFalse(self.conversation.is_genuine(b"v="))
        for challenge in (self.challenge.replace(b"rOpr", b"xxxx"), self.challenge[:-4] + b"1"):
            with self.assertRaises(ValueError):
                self.conversation.final(challenge)
