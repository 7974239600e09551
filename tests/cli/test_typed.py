"""What is typed."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato.cli.documents import Unfit, decoded, observation
from kato.cli.typed import genes, named_number, number, split_emotives, vector
from kato.client import Observation

OPTIONS = {"--metadata": True, "--json": False}
WORDS = st.lists(st.text("abc=1.-", min_size=1).filter(lambda text: not text.startswith("--")))


class TypedTests(SynchronousTestCase):
    """Words of a command line."""

    def assertUnfit(self, text: str, called: object, *args: object) -> None:
        assert callable(called)
        error = self.assertRaises(Unfit, called, *args)
        self.assertIn(text, str(error))

    def test_emotives(self) -> None:
        """An option that nobody knows is an emotive, wherever it stands."""
        words = ["p1", "--joy", "0.8", "hello", "--fear=-1", "--json", "-q", "--hope", "-2e-1"]
        left, emotives = split_emotives(words, OPTIONS)
        self.assertEqual(left, ["p1", "hello", "--json", "-q"])
        self.assertEqual(emotives, {"joy": 0.8, "fear": -1.0, "hope": -0.2})

    def test_options(self) -> None:
        """What follows an option that takes a value is its value, whatever it looks like."""
        words = ["--metadata", "--joy", "1", "--metadata=--joy", "--joy", "2"]
        left, emotives = split_emotives(words, OPTIONS)
        self.assertEqual((left, emotives), (["--metadata", "--joy", "1", words[3]], {"joy": 2.0}))
        self.assertEqual(split_emotives(["--metadata"], OPTIONS), (["--metadata"], {}))

    def test_end_of_options(self) -> None:
        """What stands after C{--} is no option, and no emotive."""
        self.assertEqual(split_emotives(["--", "--joy", "1"], {}), (["--", "--joy", "1"], {}))

    def test_no_number(self) -> None:
        """What is neither option nor number is told with its name and its value."""
        self.assertUnfit("--joy (an emotive --joy would", split_emotives, ["--joy", "x"], {})
        self.assertUnfit("got nothing", split_emotives, ["--joy"], {})
        self.assertUnfit("got 'nan'", split_emotives, ["--joy=nan"], {})

    @given(WORDS)
    def test_words_stay(self, words: list[str]) -> None:
        """Words that are no options stay as they are."""
        self.assertEqual(split_emotives(words, OPTIONS), (words, {}))

    def test_numbers(self) -> None:
        """Numbers are finite."""
        self.assertEqual(vector("1,2.5,-3e2"), [1.0, 2.5, -300.0])
        self.assertEqual(named_number("a=b=1".replace("a=b", "ab")), ("ab", 1.0))
        for text in ("1,,2", "", "inf", "1e400", "x"):
            self.assertUnfit("expected a number", vector, text)
        self.assertUnfit("expected NAME=NUMBER, got 'joy'", named_number, "joy")
        self.assertUnfit("expected a number, got '0,5'", number, "0,5")

    def test_genes(self) -> None:
        """A gene's value is JSON, or else a word."""
        words = ["recall_threshold=0.2", "classifier=DVC", "sort=false", "vector_max_distance=null"]
        self.assertEqual(list(genes(words).values()), [0.2, "DVC", False, None])
        self.assertEqual(genes(["a=NaN"]), {"a": "NaN"})
        self.assertUnfit("expected GENE=VALUE, got 'sort'", genes, ["sort"])
        self.assertUnfit("gene sort stands twice", genes, ["sort=1", "sort=2"])


class DocumentTests(SynchronousTestCase):
    """JSON that people give."""

    def test_observation(self) -> None:
        """An observation is an object, or a list of its strings."""
        self.assertEqual(observation(["a", "b"]), Observation(["a", "b"]))
        told = {
            "strings": ["a"],
            "vectors": [[1, 2.5]],
            "emotives": {"joy": 1},
            "unique_id": "x",
            "metadata": {"a": [None]},
        }
        self.assertEqual(observation(told).sent(), told)

    def test_unfit(self) -> None:
        """What is none is told with its field and value."""
        for value, text in (
            (3, "observation: expected an object, got 3"),
            ({"string": []}, '"string": expected one of strings, vectors'),
            (["a", 1], "strings[1]: expected a string, got 1"),
            ({"strings": "a"}, 'strings: expected a list, got "a"'),
            ({"vectors": [[]]}, "vectors[0]: a vector needs at least one component"),
            ({"vectors": [[1, True]]}, "vectors[0][1]: expected a number, got true"),
            ({"emotives": {"joy": "x"}}, 'emotives.joy: expected a number, got "x"'),
            ({"metadata": []}, "metadata: expected an object, got []"),
            ({"unique_id": 1}, "unique_id: expected a string, got 1"),
        ):
            error = self.assertRaises(Unfit, observation, value)
            self.assertIn(text, str(error))

    def test_json(self) -> None:
        """JSON is read as strictly as the server reads it."""
        for text, why in (
            ("{", "not JSON: Expecting property name"),
            ("[NaN]", "NaN is no number"),
            ("[1e999]", "1e999 is too large a number"),
            ('{"a": 1, "a": 2}', "a key stands twice"),
            ('"\\ud800"', "surrogate"),
            ("[" * 100_000, "too deep"),
            ("1" * 5000, "a number too long"),
        ):
            self.assertIn(why, str(self.assertRaises(Unfit, decoded, text)))
