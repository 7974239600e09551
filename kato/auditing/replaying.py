"""Processors built again from what logs tell of them (docs/audit.md)."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from kato.audit.history import History, Life, Plan, Turn
from kato.audit.lines import brief
from kato.audit.reading import Fault, Read, read_log
from kato.codec import decode_json, encode_json
from kato.commands import Command
from kato.engine import Processor
from kato.errors import KatoError
from kato.genes import Genes, parse_genes
from kato.moving.trouble import Trouble
from kato.storage import IStore
from kato.turn import take_turn

_COMMIT = 1_000
"""After how many operations all that changed is stored."""


class Replay:
    """Builds processors again, from lines that were found as they were written."""

    def __init__(
        self, folders: Sequence[Path], *, after: str | None = None, told: Callable[[int], object]
    ) -> None:
        """
        @param folders: logs; several where processors moved from service to service.
        @param after: the head after which the first file of the only log goes on.
        @param told: is told of bytes that were read, as a number.
        """
        self._folders = folders
        self._after = after
        self._told = told
        self.engines: dict[str, Processor] = {}
        self.operations = 0

    def survey(self) -> dict[str, Life]:
        """Go over all logs, and find the processors that are there in the end.

        @raise Fault: where a line is not as it was written.
        """
        history = History()
        for log in range(len(self._folders)):
            for read in self._lines(log):
                history.add(log, read.head.lines, read.told)
        return history.lives()

    def _lines(self, log: int) -> Iterator[Read]:
        return read_log(self._folders[log], after=self._after, told=self._told)

    async def into(self, store: IStore, lives: Mapping[str, Life]) -> None:
        """Carry out what made C{lives} what they are, and store it.

        @raise Fault: where an operation does something else than it did.
        @raise Trouble: where the logs do not fit together.
        """
        if await store.processors():
            raise Trouble("--into: the store is not empty; name one that is")
        plan = Plan(lives)
        logs = [self._lines(log) for log in range(len(self._folders))]
        waiting = [next(each, None) for each in logs]
        touched: set[str] = set()
        while any(waiting):
            moved = False
            for log, lines in enumerate(logs):
                while (read := waiting[log]) is not None:
                    turn = plan.turn(log, read.head.lines, read.told)
                    if turn is Turn.LATER:
                        break
                    if turn is Turn.NOW:
                        touched.add(self._carry_out(read))
                    waiting[log], moved = next(lines, None), True
                    if turn is Turn.NOW and self.operations % _COMMIT == 0:
                        await self._save(store, touched)
            if not moved:
                raise Trouble("the logs do not fit together: each tells what came after another")
        await self._save(store, touched)
        if plan.undone:
            raise Trouble(f"lines are missing for {', '.join(plan.undone)}")

    async def _save(self, store: IStore, touched: set[str]) -> None:
        if touched:
            await store.commit([self.engines[each].drain() for each in sorted(touched)])
            touched.clear()

    def _carry_out(self, read: Read) -> str:
        """Do what a line tells once more, and see that the same comes of it."""
        told = read.told
        processor: str = told["processor"]
        try:
            command = Command.parse(
                told["operation"], told["params"], processor, told.get("request_id")
            )
            created = told.get("created")
            if created is not None:
                self.engines[processor] = _created(processor, told["revision"], created)
            engine = self.engines[processor]
            result = told.get("result", {})
            made = told.get("made") or result.get("unique_id")
            outcome = take_turn(
                engine,
                command,
                now=told["time"],
                make_id=lambda: made,
                created=created is not None,
            )
        except KatoError as error:
            raise Fault(read.place, f"it cannot be carried out: {error}") from None
        self.operations += 1
        _judge(read, engine, outcome.reply.fields)
        return processor


def _created(processor: str, revision: int, created: Mapping[str, Any]) -> Processor:
    genes = Genes(**parse_genes(created["genes"], "genes"))
    # What was accepted is not refused again, however much was allowed then.
    engine = Processor(
        processor,
        genes=genes,
        name=created["name"],
        max_events=sys.maxsize,
        max_models=sys.maxsize,
        max_vectors=sys.maxsize,
        max_gathered=sys.maxsize,
    )
    engine.revision = revision - 1
    return engine


def _judge(read: Read, engine: Processor, fields: Mapping[str, Any]) -> None:
    """Hold what came of it against what the line tells."""
    window = engine.window
    for name, value in (
        ("revision", engine.revision),
        ("interval", engine.interval),
        ("events", window.end - window.start),
        ("result", decode_json(encode_json(brief(fields)))),
    ):
        if value != read.told.get(name):
            told = read.told.get(name)
            raise Fault(read.place, f"carried out again, its {name} is {value}, not {told}")
