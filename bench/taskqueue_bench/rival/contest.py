"""All queues on one storage: they take turns, with raw commits between them."""

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from plone.app.taskqueue.dispatcher import Options
from taskqueue_bench import raw
from taskqueue_bench.processes import Process
from taskqueue_bench.processes import process
from taskqueue_bench.rival import objects
from taskqueue_bench.rival import servers
from taskqueue_bench.rival.contender import Contender
from taskqueue_bench.rival.field import Queue
from taskqueue_bench.rival.field import QUEUES
from taskqueue_bench.rival.other import Other
from taskqueue_bench.rival.ours import Ours
from taskqueue_bench.settings import Settings
from taskqueue_bench.storages import Place
from taskqueue_bench.storages import PLACES
from taskqueue_bench.work import create_queues
from typing import Any


GROUPED = "ours, grouped"
ISOLATED = "ours, isolated"

_RAW = "raw"
#: Jobs of a round, however slow the storage.
_LEAST = 20


@dataclass
class Result:
    """What one queue has reached."""

    name: str
    #: Jobs per second in each round, and raw commits right before and right after.
    rates: list[float] = field(default_factory=list)
    raw: list[float] = field(default_factory=list)
    #: Why it has no figures; the first line says it.
    failure: str = ""


class Contest:
    """One storage, and as many workers for each queue."""

    def __init__(self, settings: Settings, storage: str, workers: int, folder: Path):
        self._settings = settings
        self._storage = storage
        self._workers = workers
        self._folder = folder
        self._results: dict[str, Result] = {}

    def results(self) -> list[Result]:
        """Measure.  A queue that fails does not lose the others' figures."""
        with ExitStack() as stack:
            place = stack.enter_context(PLACES[self._storage](self._folder / "storage"))
            clerk = stack.enter_context(process(place))
            clerk.call(raw.prepare, [_RAW])
            clerk.call(create_queues)
            rate = clerk.call(raw.commits, _RAW, 2 * self._settings.raw_seconds)
            self._jobs = max(_LEAST, round(rate * self._settings.rival_seconds))
            contenders = [
                *self._ours(place),
                *self._others(place, stack),
            ]
            for contender in contenders:
                stack.enter_context(contender)
                clerk.call(objects.create, contender.name, contender.objects)
                self._try(contender, contender.start)
            for contender in contenders:
                self._try(contender, lambda one=contender: one.run(0))
            for number in range(1, self._settings.rival_rounds + 1):
                self._round(clerk, contenders, number)
            for contender in contenders:
                self._try(contender, lambda one=contender: _check(clerk, one))
        return list(self._results.values())

    def _ours(self, place: Place) -> Iterator[Contender]:
        for name, options, jobs in (
            (GROUPED, Options(), self._settings.grouped_jobs),
            (ISOLATED, Options(group_seconds=0), self._jobs),
        ):
            self._results[name] = Result(name)
            rounds = self._settings.rival_rounds
            yield Ours(name, options, self._workers, rounds, jobs, place)

    def _others(self, place: Place, stack: ExitStack) -> Iterator[Contender]:
        needed = servers.missing()
        running: dict[str, dict[str, str]] = {}
        if "Redis" not in needed:
            running["Redis"] = stack.enter_context(servers.redis())
        if "PostgreSQL" not in needed:
            own = servers.own_postgresql(self._folder / "jobs")
            running["PostgreSQL"] = stack.enter_context(own)
        for queue in QUEUES:
            result = self._results[queue.name] = Result(queue.name)
            if queue.version is None:
                result.failure = "is not installed: make bench does it"
            elif queue.server in needed:
                result.failure = needed[queue.server]
            else:
                yield self._other(queue, place, running[queue.server])

    def _other(self, queue: Queue, place: Place, server: dict[str, str]) -> Contender:
        return Other(
            queue,
            workers=self._workers,
            rounds=self._settings.rival_rounds,
            jobs=self._jobs,
            place=place,
            folder=self._folder,
            server=server,
        )

    def _round(self, clerk: Process, contenders: list[Contender], number: int) -> None:
        seconds = self._settings.raw_seconds
        before = clerk.call(raw.commits, _RAW, seconds)
        for contender in contenders:
            rate = self._try(contender, lambda one=contender: one.run(number))
            after = clerk.call(raw.commits, _RAW, seconds)
            if rate is not None:
                self._results[contender.name].rates.append(rate)
                self._results[contender.name].raw.append((before + after) / 2)
            before = after

    def _try(self, contender: Contender, step: Callable[[], Any]) -> Any:
        """Take a step; ``None``: the queue has failed, now or before."""
        result = self._results[contender.name]
        if result.failure:
            return None
        try:
            return step()
        except Exception as error:
            if isinstance(contender, Ours):
                raise
            result.failure = str(error)
            # Its workers would be in the others' way.
            contender.close()
            return None


def _check(clerk: Process, contender: Contender) -> None:
    """Make sure that the jobs have done what was measured."""
    changes = clerk.call(objects.changes, contender.name)
    if changes != [1] * contender.objects:
        raise RuntimeError(
            f"Of {contender.objects} objects {changes.count(1)} were changed once, "
            f"{changes.count(0)} never."
        )
