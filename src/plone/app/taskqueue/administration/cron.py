"""Cron jobs: what there is of them, and what people do to them."""

from collections.abc import Iterator
from collections.abc import Mapping
from plone.app.taskqueue import _
from plone.app.taskqueue import clock
from plone.app.taskqueue.administration import actions
from plone.app.taskqueue.administration import schedules
from plone.app.taskqueue.administration.access import MANAGE_CRON
from plone.app.taskqueue.administration.access import VIEW_JOBS
from plone.app.taskqueue.administration.errors import ActionError
from plone.app.taskqueue.administration.errors import InputError
from plone.app.taskqueue.administration.redacting import Redaction
from plone.app.taskqueue.administration.references import find_job
from plone.app.taskqueue.administration.references import reference_of
from plone.app.taskqueue.administration.tasks import TaskAdministration
from plone.app.taskqueue.administration.tasks import told
from plone.app.taskqueue.interfaces import ICronJob
from plone.app.taskqueue.job.cronjob import CronJob
from plone.app.taskqueue.job.cronjob import UNREADABLE
from plone.app.taskqueue.job.states import FINAL
from plone.app.taskqueue.queue.cron import is_here
from plone.app.taskqueue.queue.readable import reading_error
from plone.app.taskqueue.queue.services import path_of
from plone.app.taskqueue.task.options import options_of
from typing import Any


#: Stands for an input that is not given.
KEEP = object()
#: What can be done to a cron job, with the word for ``audit``, and whether it lets the
#: job do something that it would not have done by itself.
_ACTIONS = {
    "enable": ("enable_cron", True),
    "disable": ("disable_cron", False),
    "run_now": ("run_cron", True),
    "delete": ("delete_cron", False),
}


class CronAdministration(TaskAdministration):
    """The part of ``IAdministration`` that is about cron jobs."""

    def cron_jobs(self) -> list[CronJob]:
        self.access.require(VIEW_JOBS)
        return [
            job
            for service in self._all_services()
            for job in sorted(
                _cron_jobs_of(service), key=lambda job: (job.task, job.id)
            )
        ]

    def cron_job(self, reference: str) -> CronJob:
        found = find_job(self.connection, reference)
        if (
            found is None
            or not ICronJob.providedBy(found)
            or not self.access.may(VIEW_JOBS)
            or not self.access.is_here(found)
            or not found.recurs
        ):
            raise LookupError(f"There is no cron job {reference!r} here.")
        return found

    def describe_cron_job(self, job: CronJob) -> dict[str, Any]:
        service = self._service_of(job)
        task = service.getAvailableTasks().get(job.task)
        facets = job.facets
        ended = job.stored_state in FINAL
        enabled = job.enabled and not ended
        return {
            "id": reference_of(job, self.connection),
            "number": job.id,
            "service": path_of(service),
            "task": job.task,
            "task_is_there": task is not None,
            "title": (options_of(task).title if task else "") or job.task,
            **_schedule_of(job),
            "enabled": enabled,
            "ended": ended,
            "description": job.description,
            "next": job.next_runs(5) if enabled else [],
            "away": enabled and not is_here(service._queue),
            "skipped": job.skipped,
            "running": len(job.open_runs),
            "outcomes": [self._outcome(job, each) for each in job.outcomes],
            "user": job.user[1] if job.user else None,
            "context": facets.path.removeprefix(facets.site) or None,
            "input": self._shown_input(job),
            "created": job.created,
            "can_change": self.access.may(MANAGE_CRON, service),
        }

    def preview_schedule(
        self, values: Mapping[str, Any], job: CronJob | None = None
    ) -> dict[str, Any]:
        self.access.require(MANAGE_CRON)
        return schedules.preview(schedules.read_schedule(values, known_schedule(job)))

    def add_cron_job(
        self,
        service: Any,
        name: str,
        values: Mapping[str, Any],
        input: Any = None,
        context: str | None = None,
    ) -> CronJob:
        self.access.require(MANAGE_CRON, service)
        task = self.task(service, name)
        self._require_may_run_as(service, self._user_of(service, options_of(task)))
        schedule, found = None, None
        errors: dict[str, Any] = {}
        for part in ("schedule", "context", "input"):
            # All of it is looked at, so that all errors are told at once.
            try:
                if part == "schedule":
                    schedule = schedules.read_schedule(values)
                elif part == "context":
                    found = self._context(service, task, context)
                else:
                    self._check_input(service, task, name, input)
            except InputError as error:
                errors.update(error.errors)
        if errors:
            raise InputError(_("The cron job cannot be added."), errors)
        try:
            number = service.addCronJob(name, input, context=found, schedule=schedule)
        except (TypeError, ValueError) as error:
            raise told(error) from error
        job = service.jobs[number]
        self._note_cron("add_cron", job)
        return job

    def edit_cron_job(
        self, job: CronJob, values: Mapping[str, Any], input: Any = KEEP
    ) -> None:
        service = self._may_change(job, more=True)
        schedule = schedules.read_schedule(values, known_schedule(job))
        try:
            if input is not KEEP:
                service.update_input(job.id, input)
            if schedule != known_schedule(job):
                job.update(schedule=schedule)
                service.reschedule(job.id)
        except (TypeError, ValueError) as error:
            raise told(error) from error
        self._note_cron("edit_cron", job)

    def do_cron(self, action: str, job: CronJob) -> None:
        if action not in _ACTIONS:
            raise ValueError(f"There is no action {action!r}; there are {[*_ACTIONS]}.")
        word, more = _ACTIONS[action]
        service = self._may_change(job, more)
        try:
            if action == "delete":
                # Before it is gone.
                self._note_cron(word, job)
                service.cancel(job.id)
                actions.delete(job)
                return
            if not getattr(service, action)(job.id):
                raise ActionError(_refusal(action, job))
        except (LookupError, ValueError) as error:
            if isinstance(error, ActionError):
                raise
            raise ActionError(str(error)) from error
        self._note_cron(word, job)

    def _may_change(self, job: CronJob, more: bool) -> Any:
        service = self._service_of(job)
        self.access.require(MANAGE_CRON, service)
        if more:
            self._require_may_run_as(service, job.user)
        return service

    def _service_of(self, job: CronJob) -> Any:
        service = self._located(job.queue.service)
        if service is None:
            raise LookupError(
                f"The service of cron job {job.id} is not there any more."
            )
        return service

    def _note_cron(self, action: str, job: CronJob) -> None:
        text = f"{job.task}: {job.description}"
        self.note(action, reference_of(job, self.connection), text=text)

    def _outcome(self, job: CronJob, outcome: tuple[int, str, int]) -> dict[str, Any]:
        finished, state, number = outcome
        # In its own database, which may be that of a site.
        run = find_job(job._p_jar, str(number))
        return {
            "finished": clock.as_datetime(finished),
            "state": state,
            # A run that was forgotten meanwhile has no page.
            "id": None if run is None else reference_of(run, self.connection),
        }

    def _shown_input(self, job: CronJob) -> Any:
        if not self.access.may_see_details(job):
            return None
        return self.redaction().arguments(job)

    def redaction(self) -> Redaction:
        raise NotImplementedError


def _cron_jobs_of(service: Any) -> Iterator[CronJob]:
    """Yield those that may have times to come, wherever their queue keeps them.

    None but cron jobs are loaded, however many jobs the service has.
    """
    queue = service._queue
    for room in (queue.schedule, queue.unplanned, queue.resting, queue.away):
        for _key, job in room.items():
            if isinstance(job, CronJob) and reading_error(job) is None and job.recurs:
                yield job


def known_schedule(job: CronJob | None) -> Any:
    """Return the schedule of a job; ``None`` for one that cannot be read here."""
    try:
        return None if job is None else job.schedule
    except UNREADABLE:
        return None


def _schedule_of(job: CronJob) -> dict[str, Any]:
    known = known_schedule(job)
    if known is None:
        return {**dict.fromkeys(("crontab", "timezone", *schedules.OPTIONS))}
    return schedules.schedule_values(known)


def _refusal(action: str, job: CronJob) -> Any:
    if action == "run_now":
        return _(
            "cron_run_refused",
            default="Cron job ${id} begins no run now: one before has not ended, and its "
            "overlap policy leaves this one out.",
            mapping={"id": job.id},
        )
    if action == "enable":
        return _(
            "cron_enabled_already",
            default="Cron job ${id} is enabled already.",
            mapping={"id": job.id},
        )
    return _(
        "cron_disabled_already",
        default="Cron job ${id} is disabled already.",
        mapping={"id": job.id},
    )
