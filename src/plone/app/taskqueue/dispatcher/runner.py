"""Running the jobs of a lease: together where that is safe, else one by one.

Short jobs share a transaction for a small time budget.  If one of them raises, dooms,
aborts or commits, or if the commit fails, the transaction is undone whole and each of
its jobs runs again in one of its own: Zope's contract is that what runs in a transaction
may run again, and nobody sees another job's failure.
"""

from collections import deque
from collections.abc import Callable
from plone.app.taskqueue.dispatcher.aborting import abort
from plone.app.taskqueue.dispatcher.alone import Alone
from plone.app.taskqueue.dispatcher.attempt import Attempt
from plone.app.taskqueue.dispatcher.guard import is_ours
from plone.app.taskqueue.dispatcher.guard import SharedTransactionError
from plone.app.taskqueue.dispatcher.workbench import Workbench
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.queue.leases import Lease
from plone.app.taskqueue.queue.queue import Queue

import logging
import time


logger = logging.getLogger("plone.app.taskqueue.dispatcher")

Entry = tuple[int, AsyncJob]


class Runner:
    """Runs jobs on one workbench, in the thread that owns it."""

    def __init__(self, bench: Workbench):
        self._bench = bench

    def run(
        self,
        queue: Queue,
        lease: Lease,
        entries: list[Entry],
        makes_room: Callable[[int], bool] = lambda left: False,
    ) -> int:
        """Run the entries of the lease's present claim in their order.

        Returns how many are left if it stopped early, which the lease still holds:
        because the dispatcher is stopping, because a job of this claim has kept its
        places in the quotas to itself and waits, or because ``makes_room``, which is
        asked between transactions with how many are left, has said so.
        """
        claim = lease.claim
        grouping = queue.grouping and self._bench.group_seconds > 0
        waiting = deque(entries)
        self._bench.stepped_aside = False
        while waiting:
            if self._bench.stopping():
                break
            if len(waiting) < len(entries) and makes_room(len(waiting)):
                break
            if grouping and self._joins(waiting[0][1]):
                for entry in self._run_group(lease, claim, waiting):
                    self._run_alone(lease, claim, *entry)
            else:
                self._run_alone(lease, claim, *waiting.popleft())
            if lease.quota_names and self._bench.stepped_aside:
                break
        return len(waiting)

    def _run_alone(self, lease: Lease, claim: int, index: int, job: AsyncJob) -> None:
        Alone(self._bench, lease, claim, index, job).run()

    def _joins(self, job: AsyncJob) -> bool:
        expected = self._bench.pace.expected_in_group(job.function_name)
        return (
            expected is not None
            and expected < self._bench.group_seconds
            and not job.isolated
            and not job.interruptions
            and not job.cancel_requested
            and not job.stands_alone
        )

    def _run_group(
        self, lease: Lease, claim: int, waiting: deque[Entry]
    ) -> list[Entry]:
        """Run entries from the left in one transaction; return those to run again."""
        bench = self._bench
        environment = bench.environment
        group: list[Entry] = []
        running = None
        transaction = bench.begin()
        try:
            until = time.perf_counter() + bench.group_seconds
            if not is_ours(lease, claim):
                waiting.clear()
                return []
            # The first always runs, or nothing would where looking takes that long.
            while (
                waiting
                and (not group or time.perf_counter() < until)
                and self._joins(waiting[0][1])
            ):
                group.append(waiting.popleft())
                index, running = group[-1]
                Attempt(
                    bench, lease, claim, index, running, transaction, sharing=True
                ).make()
                if not (running.has_extras and running.is_member):
                    environment.announce(running)
                finished = environment.flush()
                if bench.manager.get() is not transaction:
                    raise SharedTransactionError("A subscriber ended the transaction.")
                if finished:
                    break
                environment.leave()
            running = None
            bench.manager.commit()
            bench.has_room()
        except BaseException as error:
            bench.guard.rest()
            lost = bench.has_lost(error)
            abort(bench.manager)
            if lost:
                bench.wait_for_server()
            elif not group:
                raise
            if running is not None:
                bench.pace.stumbled(running.function_name, bench.guard.refused)
            logger.debug(
                "A group of %d jobs was undone (%r); each runs alone now.",
                len(group),
                error,
            )
            return group
        finally:
            bench.end()
        return []
