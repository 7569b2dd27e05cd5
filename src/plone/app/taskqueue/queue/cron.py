"""Cron jobs in their queue: finding out their times, and beginning runs.

All but ``run_now`` is done by claims.  A claim that begins a run writes the cron job, so
of two that see a time come one conflicts: each time has one run, and the run has its
own record as soon as the time counts as dealt with.  A cron job that has nothing to do
is in a room that no claim looks at, so a claim costs what is due, whatever there is.
"""

from plone.app.taskqueue import clock
from plone.app.taskqueue.job import keys
from plone.app.taskqueue.job.cronjob import CronJob
from plone.app.taskqueue.job.cronjob import MOST_RUNS
from plone.app.taskqueue.job.cronjob import UNREADABLE
from plone.app.taskqueue.queue import transitions
from plone.app.taskqueue.queue.place import installation
from plone.app.taskqueue.queue.readable import reading_error
from plone.app.taskqueue.queue.shards import Shards
from plone.app.taskqueue.schedule.policies import Overlap
from plone.app.taskqueue.schedule.schedule import Schedule
from typing import Any

import itertools
import logging


logger = logging.getLogger("plone.app.taskqueue")

#: Jobs that one claim plans, at most.
_PLANNED = 500
#: Seconds after which times are looked at again that had no room for their runs.
_NEXT_LOOK = 1.0

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


def _plan(queue: Any, job: CronJob) -> None:
    schedule = _schedule_of(job)
    now = clock.now()
    if schedule is not None and schedule.times.once:
        transitions.plan(queue, job, _capped(now + schedule.times.delay))
    elif not _rests(queue, job, schedule):
        last = max(now if job.last is None else job.last, queue.since)
        if last != job.last:
            job.handled(last)
        _plan_next(queue, job, schedule.next_after(last))


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
        ticks = schedule.due_ticks(job.last, now)
    left = _begin(queue, job, schedule, ticks)
    following = schedule.next_after(now)
    if left:
        soon = now + _NEXT_LOOK
        following = soon if following is None else min(following, soon)
    _plan_next(queue, job, following)


def _begin(queue: Any, job: CronJob, schedule: Schedule, ticks: list[float]) -> bool:
    """Begin a run for each of these ticks; true if some are left for later."""
    if not ticks:
        return False
    count = len(job.open_runs)
    if schedule.overlap is Overlap.SKIP and count:
        _skip(job, len(ticks))
        job.handled(ticks[-1])
        return False
    room = max(0, MOST_RUNS - count)
    for tick in ticks[:room]:
        waits = count > 0 and schedule.overlap is not Overlap.ALLOW
        transitions.tick(queue, job, job.new_run(tick), waits)
        job.handled(tick)
        count += 1
    return len(ticks) > room


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
    else:
        transitions.plan(queue, job, _capped(due))


def _capped(due: float) -> float:
    # What is beyond all times stays in the schedule, and never comes.
    return min(due, keys.LATEST)


def release(queue: Any) -> None:
    """Let runs go that have waited for those before them, which have ended."""
    for key, run in list(itertools.islice(queue.behind.items(), _PLANNED)):
        error = reading_error(run)
        if error is not None:
            transitions.bury(queue, queue.behind, key, run, error)
        elif _is_next(run):
            transitions.go_on(queue, run)


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
