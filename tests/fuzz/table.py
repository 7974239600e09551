"""All that is attacked."""

from collections.abc import Mapping

from tests.fuzz.files import FILES
from tests.fuzz.http import HTTP
from tests.fuzz.messages import MESSAGES
from tests.fuzz.operations import OPERATED
from tests.fuzz.streams import STREAMED
from tests.fuzz.target import Target
from tests.fuzz.values import VALUES
from tests.fuzz.words import WORDS

TARGETS: Mapping[str, Target] = {
    each.name: each for each in (*VALUES, *HTTP, *STREAMED, *MESSAGES, *OPERATED, *FILES, *WORDS)
}
