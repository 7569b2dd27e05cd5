"""Making the services of a site be as a file says."""

from Acquisition import aq_base
from collections.abc import Iterator
from dataclasses import replace
from logging import Logger
from plone.app.taskqueue.exportimport.wanted import Wanted
from plone.app.taskqueue.exportimport.wanted import WantedCronJob
from plone.app.taskqueue.exportimport.wanted import WantedService
from plone.app.taskqueue.interfaces import ERROR
from plone.app.taskqueue.interfaces import ICronJob
from plone.app.taskqueue.interfaces import ITask
from plone.app.taskqueue.service.moving import services_of
from plone.app.taskqueue.service.siteservice import SiteTaskService
from plone.app.taskqueue.task.options import options_of
from plone.app.taskqueue.task.schema import validate_input
from typing import Any
from zExceptions import BadRequest
from zope.component import queryUtility


#: Under this a cron job keeps the name that it has in files.
_NAME = "profile_name"


def cron_jobs_of(service: Any) -> Iterator[tuple[str, Any]]:
    """Yield the cron jobs that have times to come, with their names in files."""
    for jobid, job in sorted(service.jobs.items()):
        # One whose record cannot be read has this status, and nothing else to tell.
        if service.getStatus(jobid) == ERROR or not ICronJob.providedBy(job):
            continue
        if not job.has_ended and job.recurs:
            yield job.extra(_NAME) or f"{job.task}-{job.id}", job


def apply(wanted: Wanted, site: Any, logger: Logger) -> None:
    """Make the services of a site be as wanted; what is so already is not written."""
    if wanted.purge:
        names = {each.name for each in wanted.services}
        for service in services_of(site):
            if service.getId() not in names:
                _remove(site, service.getId(), logger)
    for each in wanted.services:
        if each.remove:
            _remove(site, each.name, logger)
            continue
        if site._getOb(each.name, None) is None:
            site._setObject(each.name, SiteTaskService(each.name))
            logger.info("Task service %s added.", each.name)
        each.purge = each.purge or wanted.purge
        _set_up(site._getOb(each.name), each, logger)


def _remove(site: Any, name: str, logger: Logger) -> None:
    if site._getOb(name, None) is not None:
        site._delObject(name)
        logger.info("Task service %s removed.", name)


def _set_up(service: Any, wanted: WantedService, logger: Logger) -> None:
    settings = dict(wanted.settings)
    if wanted.purge:
        defaults = {"title": "", "wait_seconds": 1.0, "user": None}
        settings = {**defaults, **settings}
        if "maxint" not in settings and "maxint" in vars(aq_base(service)):
            del service.maxint
    for name, value in settings.items():
        if getattr(service, name) != value:
            setattr(service, name, value)
    there = dict(cron_jobs_of(service))
    for each in wanted.cron_jobs:
        job = there.pop(each.name, None)
        if each.remove:
            if job is not None:
                service.cancel(job.id)
            continue
        if job is None:
            _add(service, each)
            logger.info("Cron job %s of %s added.", each.name, wanted.name)
        else:
            _update(service, job, each)
        if _task_of(service, each) is None:
            logger.warning(
                "Cron job %s of %s fails whenever it is due, until there is a task %r: "
                "is its name right, and was its ZCML loaded?",
                each.name,
                wanted.name,
                each.task,
            )
    if wanted.purge:
        for name, job in there.items():
            service.cancel(job.id)
            logger.info("Cron job %s of %s removed.", name, wanted.name)


def _task_of(service: Any, wanted: WantedCronJob) -> ITask | None:
    return queryUtility(ITask, wanted.task, context=service.folder())


def _add(service: Any, wanted: WantedCronJob) -> None:
    jobid = service.addCronJob(
        wanted.task, wanted.input, schedule=wanted.schedule, context=wanted.context
    )
    service.jobs[jobid].set_extra(_NAME, wanted.name)


def _update(service: Any, job: Any, wanted: WantedCronJob) -> None:
    task = _task_of(service, wanted)
    if task is not None and isinstance(wanted.input, dict):
        # The file has not what the task hides, the job has.
        for name in options_of(task).redact:
            if isinstance(job.input, dict) and name in job.input:
                wanted.input.setdefault(name, job.input[name])
    if not _does_the_same(job, wanted, task, service):
        service.cancel(job.id)
        _add(service, wanted)
        return
    if job.extra(_NAME) is None:
        job.set_extra(_NAME, wanted.name)
    seed = _seed_of(job)
    if seed is None or replace(job.schedule, seed="") != wanted.schedule:
        job.update(schedule=replace(wanted.schedule, seed=seed or ""))
        service.reschedule(job.id)


def _seed_of(job: Any) -> str | None:
    """Return what its jitter follows from; ``None`` if its times cannot be read here."""
    try:
        return job.schedule.seed
    except ValueError:
        return None


def _does_the_same(job: Any, wanted: WantedCronJob, task: Any, service: Any) -> bool:
    if job.task != wanted.task:
        return False
    mine, other = job.input, wanted.input
    if task is not None:
        mine = validate_input(task, mine, wanted.task)
        other = validate_input(task, other, wanted.task)
    if mine != other:
        return False
    try:
        here = service.context_of(job)
    except BadRequest:
        return False
    return aq_base(here) is aq_base(wanted.context)
