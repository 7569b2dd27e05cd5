"""Filling: jobs are queued as users in the past, and run by the engine or in bulk.

The queue, the state machine and all indexes are the real ones.  Up to some thousands of
jobs are run by the engine itself, in the calling thread.  For many more there is a
shorter way, which calls the same transitions without the surroundings of each job.
"""

from AccessControl.SecurityManagement import newSecurityManager
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher import inline
from plone.app.taskqueue.dispatcher.membership import new_worker
from plone.app.taskqueue.environment import PloneEnvironment
from plone.app.taskqueue.environment.capture import capture
from plone.app.taskqueue.environment.undisturbed import undisturbed
from plone.app.taskqueue.job import payload
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.failure import Failure
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue import registry
from plone.app.taskqueue.queue import transitions
from plone.app.taskqueue.queue.claiming import claim_next
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.service.places import owner_of
from plone.app.taskqueue.tests.filling.plan import make_plan
from plone.app.taskqueue.tests.filling.plan import Wish
from typing import Any
from zope.component.hooks import setSite

import transaction


#: Up to so many jobs are run by the engine itself, if nothing else is said.
ENGINE_RUNS = 2_000

#: Jobs of a commit.
_LOT = 500
#: Lots in which few jobs are queued and run, so that their times differ.
_FEWEST_LOTS = 30

#: Seconds by which what is scheduled is due later than what it waits otherwise.
_LATER = 36_000


def fill(
    portal: Any,
    users: Sequence[str],
    contexts: Sequence[Any],
    count: int,
    seed: int = 1,
    days: float = 30,
    by_engine: bool | None = None,
) -> dict[str, int]:
    """Let there be ``count`` more jobs in the default queue; return how many by state.

    They are queued as these users of the site on these objects, over the last ``days``,
    and are completed, failed, cancelled, scheduled and pending; see ``plan.SHARES``.
    The same seed gives the same jobs.  Commits, many times.  No worker must run
    meanwhile: it would run what is to wait.  What ended so long ago is forgotten by the
    next worker, unless its ``retention-days`` say otherwise.  ``ValueError``: jobs wait
    in the queue already, which would be run.
    """
    plan = make_plan(count, len(users), len(contexts), seed, clock.now(), days)
    if by_engine is None:
        by_engine = count <= ENGINE_RUNS
    with undisturbed():
        setSite(portal)
        filler = _Filler(portal, users, contexts)
        size = max(1, min(_LOT, count // _FEWEST_LOTS))
        for lot in _lots(plan, size):
            filler.put(lot)
            if by_engine:
                filler.run(lot)
            else:
                filler.settle(lot)
        filler.close()
    counts: dict[str, int] = {}
    for wish in plan:
        counts[wish.state.value] = counts.get(wish.state.value, 0) + 1
    return counts


def _lots(plan: list[Wish], size: int) -> Iterator[list[Wish]]:
    """Yield the plan in parts: those that wait for good have parts of their own."""
    waits = [wish.state in (State.PENDING, State.SCHEDULED) for wish in plan]
    ended = waits.index(True) if True in waits else len(plan)
    for part in (plan[:ended], plan[ended:]):
        for first in range(0, len(part), size):
            yield part[first : first + size]


class _Filler:
    def __init__(self, portal: Any, users: Sequence[str], contexts: Sequence[Any]):
        self._portal = portal
        self._users = users
        self._contexts = contexts
        self._connection = portal.getPhysicalRoot()._p_jar
        #: What is captured for a user and a context, and whose jobs these are.
        self._captured: dict[tuple[int, int], tuple[tuple, str | None]] = {}
        #: What was wished for with the jobs of the lot, by their ids.
        self._wishes: dict[int, Wish] = {}
        transaction.commit()
        self._queue = get_queues(self._connection)[""]
        if self._queue.counts()[State.PENDING]:
            raise ValueError("Jobs wait in the queue: fill one in which none do.")
        self._worker_id = registry.new_worker_id()
        registry.register(
            get_queues(self._connection), new_worker(self._worker_id, threads=1)
        )
        transaction.commit()

    def put(self, lot: list[Wish]) -> None:
        """Queue them, each at its time, and cancel those that are to be cancelled."""
        self._wishes.clear()
        for wish in lot:
            with clock.at(wish.queued):
                job = self._put(wish)
            self._wishes[job.id] = wish
            if wish.state is State.CANCELLED:
                with clock.at(wish.queued + wish.wait):
                    self._queue.cancel(job)
        transaction.commit()

    def _put(self, wish: Wish) -> AsyncJob:
        job = AsyncJob(wish.function, *wish.args)
        job.surroundings, owner = self._surroundings(wish.user, wish.context)
        job.priority = wish.priority
        if wish.state is State.SCHEDULED:
            due = clock.common_now() + _LATER + wish.wait * 1000
            job.begin_after = clock.as_datetime(due)
        names = () if wish.quota is None else (wish.quota,)
        return self._queue.put(job, names, owner=owner)

    def _surroundings(self, user: int, context: int) -> tuple[tuple, str | None]:
        found = self._captured.get((user, context))
        if found is None:
            with _acting_as(self._portal, self._users[user]):
                surroundings = capture(self._contexts[context])
            job = AsyncJob(_acting_as)
            job.surroundings = surroundings
            found = self._captured[user, context] = surroundings, owner_of(job)
        return found

    def run(self, lot: list[Wish]) -> None:
        """Let the engine run what has no state yet."""
        if lot[-1].state not in (State.PENDING, State.SCHEDULED):
            with clock.at(lot[-1].queued + lot[-1].wait), undisturbed():
                inline.run_due(self._connection.db(), PloneEnvironment)
            transaction.begin()

    def settle(self, lot: list[Wish]) -> None:
        """Bring them to their ends as a worker does, each at its time."""
        if lot[-1].state in (State.PENDING, State.SCHEDULED):
            return
        queue = self._queue
        while True:
            lease = claim_next(queue, self._worker_id, 0, _LOT, lambda *jobs: True)
            if lease is None:
                break
            for index, job in lease.held_jobs():
                self._end(lease, index, job, self._wishes[job.id])
            transaction.commit()
        transaction.commit()

    def _end(self, lease: Any, index: int, job: AsyncJob, wish: Wish) -> None:
        started = wish.queued + wish.wait
        with clock.at(started + wish.duration):
            try:
                result = payload.dump(wish.function(None, *wish.args), "The result")
            except Exception as error:
                transitions.fail(lease, index, job, Failure(error), started)
            else:
                transitions.complete(lease, index, job, result, started)

    def close(self) -> None:
        """Sign off, and let all ended jobs be in the history."""
        registry.unregister(get_queues(self._connection), self._worker_id)
        transaction.commit()


@contextmanager
def _acting_as(portal: Any, user_id: str) -> Iterator[None]:
    user = portal.acl_users.getUserById(user_id)
    with undisturbed():
        newSecurityManager(None, user.__of__(portal.acl_users))
        yield
