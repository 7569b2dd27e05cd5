"""``taskqueue run``: a task by its name, now."""

from collections.abc import Callable
from plone.app.taskqueue.command.arguments import add_json
from plone.app.taskqueue.command.arguments import add_service
from plone.app.taskqueue.command.arguments import add_zope_conf
from plone.app.taskqueue.command.arguments import seconds
from plone.app.taskqueue.command.database import change
from plone.app.taskqueue.command.database import look
from plone.app.taskqueue.command.output import tell
from plone.app.taskqueue.command.output import time_of
from plone.app.taskqueue.command.services import find_service
from plone.app.taskqueue.exportimport.values import text_to_input
from plone.app.taskqueue.interfaces import COMPLETED
from plone.app.taskqueue.queue import registry
from plone.app.taskqueue.queue.services import path_of
from plone.app.taskqueue.worker.errors import CommandError
from plone.app.taskqueue.worker.errors import INTERRUPTED
from plone.app.taskqueue.worker.errors import OK
from plone.app.taskqueue.worker.errors import one_line
from plone.app.taskqueue.worker.errors import TIMED_OUT
from plone.app.taskqueue.worker.errors import WRONG
from typing import Any

import argparse
import difflib
import json
import sys
import time


#: Seconds between two looks whether the job has ended.
_LOOK = 0.2


def add_to(subparsers: argparse._SubParsersAction) -> None:
    """Make the subcommand known."""
    parser = subparsers.add_parser(
        "run",
        help="queue a task by its name, now",
        description=(
            "Queue a task by its name in a task service.  Its job runs as any other of "
            "that service: as the service's user, in a process that serves it."
        ),
    )
    add_zope_conf(parser)
    add_json(parser)
    add_service(parser)
    parser.add_argument("task", metavar="TASK")
    parser.add_argument("--input", metavar="JSON", help="what the task is given")
    parser.add_argument(
        "--context", metavar="PATH", help="the object that the task works on"
    )
    parser.add_argument(
        "--wait", action="store_true", help="wait for the outcome, and tell it"
    )
    parser.add_argument(
        "--timeout",
        type=seconds,
        metavar="SECONDS",
        help="with --wait: end with status 124 if it takes longer; the job goes on",
    )
    parser.set_defaults(call=_run)


def _run(options: argparse.Namespace) -> int:
    # Tasks are known once Zope has read its ZCML.
    from plone.app.taskqueue.command.site import open_site

    if options.timeout is not None and not options.wait:
        raise CommandError("--timeout says how long to wait: give it with --wait.")
    with open_site(options.zope_conf) as database:
        added = change(database, lambda queues: _add(queues, options))
        if not options.wait:
            tell(
                options,
                added,
                [f"Job {added['id']} is queued in {added['service']}."],
            )
            return OK
        data = _await(database, added, options.timeout)
    lines = [f"Job {data['id']} has ended: {data['status']}."]
    if data["error"] is not None:
        lines.append(data["error"])
    elif data["output"] is not None:
        lines.append(json.dumps(data["output"]))
    tell(options, data, lines)
    return OK if data["status"] == COMPLETED else WRONG


def _add(queues: Any, options: argparse.Namespace) -> dict[str, Any]:
    from plone.app.taskqueue.command.site import acting_for
    from plone.app.taskqueue.task.errors import TaskInputError

    service = find_service(queues, options.service)
    with acting_for(service) as root:
        tasks = service.getAvailableTasks()
        if options.task not in tasks:
            raise CommandError(_unknown(options.task, path_of(service), list(tasks)))
        task = tasks[options.task]
        try:
            input = (
                None if options.input is None else text_to_input(task, options.input)
            )
        except ValueError as error:
            raise CommandError(f"--input cannot be used: {error}") from error
        try:
            job_id = service.add(
                options.task, input, context=_context(root, options.context)
            )
        except TaskInputError as error:
            raise _told(error) from error
        except (ValueError, TypeError) as error:
            raise CommandError(str(error)) from error
    return {"service": path_of(service), "id": job_id, "task": options.task}


def _told(error: Any) -> CommandError:
    if not error.errors:
        return CommandError(str(error))
    return CommandError(
        str(error).partition("\n")[0],
        details=[
            f"{name}: {text}" if name else text for name, text in error.errors.items()
        ],
    )


def _unknown(task: str, path: str, known: list[str]) -> str:
    near = difflib.get_close_matches(task, known, 1)
    if near:
        hint = f"did you mean {near[0]}?"
    else:
        hint = f"known are {', '.join(sorted(known))}." if known else "there is none."
    return f"There is no task {task!r} for {path}: {hint}"


def _context(root: Any, path: str | None) -> Any:
    if path is None:
        return None
    from plone.app.taskqueue.environment.walk import find

    found = find(root, f"/{path.strip('/')}")
    if found is None:
        raise CommandError(f"There is no object at {path} for the task to work on.")
    return found


def _warn_if_alone(database: Any) -> None:
    if not change(database, registry.anybody_runs_jobs):
        print(
            "No worker runs: the job waits until one is started that serves its service.",
            file=sys.stderr,
        )


def _await(
    database: Any, added: dict[str, Any], timeout: float | None
) -> dict[str, Any]:
    until = None if timeout is None else time.monotonic() + timeout
    see = _outcome_of(added)
    # What it does not wait for goes on: it is a job as any other.
    left = f"job {added['id']} in {added['service']} goes on without it"
    try:
        _warn_if_alone(database)
        while (data := look(database, see)) is None:
            pause = _LOOK
            if until is not None:
                pause = min(pause, until - time.monotonic())
                if pause <= 0:
                    raise CommandError(
                        f"There was no outcome within {timeout:g} seconds; {left}.",
                        TIMED_OUT,
                    )
            time.sleep(pause)
    except KeyboardInterrupt:
        raise CommandError(f"The wait was interrupted; {left}.", INTERRUPTED) from None
    return data


def _outcome_of(added: dict[str, Any]) -> Callable[[Any], dict[str, Any] | None]:
    def see(queues: Any) -> dict[str, Any] | None:
        job = find_service(queues, added["service"]).jobs.get(added["id"])
        if job is None:
            raise CommandError(
                f"Job {added['id']} was cleaned away before it was seen."
            )
        if not job.has_ended:
            return None
        return {
            **added,
            "status": job.status,
            "output": _plain(job.output),
            "error": None if job.error is None else one_line(job.error),
            "started": time_of(job.started),
            "finished": time_of(job.completed),
        }

    return see


def _plain(value: Any) -> Any:
    """Return what JSON can say of a value."""
    return json.loads(json.dumps(value, default=repr))
