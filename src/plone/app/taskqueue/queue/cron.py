"""Cron jobs in their queue: finding out their times, and beginning runs.

All but ``run_now`` is done by claims.  A claim that begins a run writes the cron job, so
of two that see a time come one conflicts: each time has one run, and the run has its
own record as soon as the time counts as dealt with.  A cron job that has nothing to do
is in a room that no claim looks at, so a claim costs what is due, whatever there is.
"""

from plone.app.taskqueue import clock
from plone.app.taskqueue.job import keys
from plone.app.taskqueue.job.cronjob import CronJob
from plone.app.taskqueue.job.cronjob import CronRun
from plone.app.taskqueue.job.cronjob import MOST_RUNS
from plone.app.taskqueue.job.cronjob import UNREADABLE
from plone.app.taskqueue.queue import batching
from plone.app.taskqueue.queue import transitions
from plone.app.taskqueue.queue.place import installation
from plone.app.taskqueue.queue.readable import reading_error
from plone.app.taskqueue.queue.shards import Shards
from plone.app.taskqueue.schedule.policies import Misfire
from plone.app.taskqueue.schedule.policies import Overlap
from plone.app.taskqueue.schedule.schedule import Schedule
from typing import Any

import itertools
import logging


logger = logging.getLogger("plone.app.taskqueue")

#: Jobs that one claim plans, at most.
_PLANNED = 500
#: Seconds after which times are looked at again that had no room for their runs, and
#: the same where there was room for none.
_NEXT_LOOK = 1.0
_LATER_LOOK = 10.0
#: By how many seconds the last time may be ahead, because clocks differ.
_AHEAD = 3_600.0

#: Queues of other installations that the log of this process knows of.
_strange: set[str] = set()


def has_unplanned(queue: Any) -> bool:
    """Say whether there are jobs whose times this process is to find out."""
    return any(len(room) for room in _unplanned_rooms(queue))


def _unplanned_rooms(queue: Any) -> list[Shards]:
    if is_here(queue):
        return [queue.unplanned, queue.away]
    return [queue.unplanned]


def plan(queue: Any) -> None:
    """Find out the times of some of the jobs that have none yet."""
    for room in _unplanned_rooms(queue):
        for key, job in list(itertools.islice(room.items(), _PLANNED)):
            error = reading_error(job)
            if error is None:
                _plan(queue, job)
            else:
                transitions.bury(queue, room, key, job, error)
                batching.tell_of_lost(queue, job)


def _plan(queue: Any, job: CronJob) -> None:
    schedule = _schedule_of(job)
    now = clock.now()
    if schedule is not None and schedule.times.once:
        transitions.plan(queue, job, _capped(now + schedule.times.delay))
    elif not _rests(queue, job, schedule):
        last = now if job.last is None else _since(queue, job)
        if last > now + _AHEAD:
            # Written by a clock that was wrong: that time may be years off.
            last = now
        if last != job.last:
            job.handled(last)
        _plan_next(queue, job, schedule.next_after(last))


def _since(queue: Any, job: CronJob) -> float:
    """Return from when on times of the job count here."""
    return max(job.last, queue.since)


def _rests(queue: Any, job: CronJob, schedule: Schedule | None) -> bool:
    """Let the job rest if it has no times, or none here; false if it has."""
    if schedule is None or not schedule.enabled:
        transitions.rest(queue, job, queue.resting)
        return True
    if not is_here(queue):
        # Processes that are find it there, with the times that it has missed: nobody
        # keeps a cron job from running by forgetting a setting of one process.
        _tell_of_strange(queue)
        transitions.rest(queue, job, queue.away)
        return True
    return False


def promote(queue: Any, key: int, job: CronJob) -> None:
    """The time of a cron job in the schedule has come: begin its run, or runs."""
    schedule = _schedule_of(job)
    if schedule is not None and schedule.times.once:
        transitions.begin_first(queue, key, job)
        return
    if _rests(queue, job, schedule):
        return
    now = clock.now()
    if job.last is None:
        # It was given other times that are not in force yet: this is one of the old.
        ticks = [job.due_seconds]
    else:
        ticks = schedule.due_ticks(_since(queue, job), now)
    wait = _begin(queue, job, schedule, ticks)
    following = schedule.next_after(now)
    if wait is not None:
        following = now + wait if following is None else min(following, now + wait)
    _plan_next(queue, job, following)


def _begin(
    queue: Any, job: CronJob, schedule: Schedule, ticks: list[float]
) -> float | None:
    """Begin a run for each of these ticks, or leave it out.

    Return after how many seconds to look again if some are left for later.
    """
    if not ticks:
        return None
    open_runs = job.open_runs
    count = len(open_runs)
    overlapping = _overlapping(schedule, open_runs, ticks)
    wanted = ticks[: len(ticks) - overlapping]
    room = max(0, MOST_RUNS - count)
    for tick in wanted[:room]:
        waits = count > 0 and schedule.overlap is not Overlap.ALLOW
        transitions.tick(queue, job, job.new_run(tick), waits)
        job.handled(tick)
        count += 1
    if len(wanted) > room:
        return _NEXT_LOOK if room else _LATER_LOOK
    if overlapping:
        _skip(job, overlapping)
        job.handled(ticks[-1])
    return None


def _overlapping(
    schedule: Schedule, open_runs: list[CronRun], ticks: list[float]
) -> int:
    """Return how many of the ticks, the last ones, are to be left out."""
    if schedule.overlap is not Overlap.SKIP or not open_runs:
        return 0
    if schedule.misfire is not Misfire.ALL:
        return len(ticks)
    # What had been missed by the time that run began is made up for behind it.
    began = open_runs[0].created.timestamp()
    return sum(schedule.run_at(tick) > began for tick in ticks)


def _skip(job: CronJob, ticks: int) -> None:
    job.skip(ticks)
    logger.info(
        "Cron job %s (%s): %s left out, because the run before has not ended.",
        job.id,
        job.task,
        "a time was" if ticks == 1 else f"{ticks} times were",
    )


def _plan_next(queue: Any, job: CronJob, due: float | None) -> None:
    if due is None:
        transitions.run_out(queue, job)
        batching.tell(job)
    else:
        transitions.plan(queue, job, _capped(due))


def _capped(due: float) -> float:
    # What is beyond all times stays in the schedule, and never comes.
    return min(due, keys.LATEST)


def release(queue: Any) -> None:
    """Let runs go that have waited for those before them, which have ended."""
    # All are looked at: those that wait on shall not hide others that need not.
    ready = (
        (key, run, error)
        for key, run in queue.behind.items()
        if (error := reading_error(run)) is not None or _is_next(run)
    )
    for key, run, error in list(itertools.islice(ready, _PLANNED)):
        if error is None:
            transitions.go_on(queue, run)
        else:
            transitions.bury(queue, queue.behind, key, run, error)
            batching.tell_of_lost(queue, run)


def has_released(queue: Any) -> bool:
    """Say whether a run has waited for others that have ended by now."""
    return any(
        reading_error(run) is None and _is_next(run) for _, run in queue.behind.items()
    )


def _is_next(run: Any) -> bool:
    if reading_error(run.cronjob) is not None:
        return True
    return next(iter(run.cronjob.open_runs), run) is run


def run_now(queue: Any, job: CronJob) -> bool:
    """Begin a run beside the job's times; false if its overlap policy leaves it out."""
    schedule = _schedule_of(job)
    overlap = Overlap.SKIP if schedule is None else schedule.overlap
    count = len(job.open_runs)
    if count and (overlap is Overlap.SKIP or count >= MOST_RUNS):
        return False
    waits = count > 0 and overlap is Overlap.QUEUE
    transitions.tick_unasked(queue, job, job.new_run(clock.now()), waits)
    return True


def _schedule_of(job: CronJob) -> Schedule | None:
    """Return when the job is due, ``None`` if that cannot be read here."""
    try:
        return job.schedule
    except UNREADABLE as error:
        logger.error(
            "The times of cron job %s (%s) cannot be read, so it is disabled: %s When "
            "they can be, service.enable(%s) lets it run again.",
            job.id,
            job.task,
            error,
            job.id,
        )
        return None


def is_here(queue: Any) -> bool:
    """Say whether the cron jobs are those of this process's installation."""
    return queue.installation is None or queue.installation == installation()


def _tell_of_strange(queue: Any) -> None:
    if queue.name in _strange:
        return
    _strange.add(queue.name)
    logger.warning(
        "The cron jobs of the service %s do not run here: they are those of %s, and "
        "this is %s, as the setting installation says. If they shall run here, and "
        "nowhere else, call service.adopt_cron_jobs() and commit.",
        ".".join(queue.service.getServicePath()) or queue.name,
        _named(queue.installation),
        _named(installation()),
    )


def _named(name: str) -> str:
    return f"installation {name!r}" if name else "the installation without a name"
