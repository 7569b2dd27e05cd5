"""The task services of a database, found without starting Zope."""

from plone.app.taskqueue.queue.services import by_path
from plone.app.taskqueue.queue.services import services_of_queues
from plone.app.taskqueue.worker.errors import CommandError
from typing import Any

import difflib


def all_services(queues: Any) -> dict[str, Any]:
    """Return the services by their paths, in the order of these.

    Those in sites are there from the moment they were added; others from when they were
    first started, or if they are utilities of a site that lies in the root.
    """
    # Not before it is needed: it brings much of Plone.
    from plone.app.taskqueue.environment.reference import Gone
    from plone.app.taskqueue.environment.root import root_application
    from plone.app.taskqueue.service.autostart import find_services

    candidates = services_of_queues(queues)
    try:
        root = root_application(queues._p_jar)
    except Gone:
        # Nobody has ever started Zope here.
        root = None
    candidates += [service for _, _, service in find_services(root, "*@*")]
    return by_path(candidates)


def services_of(queues: Any, wanted: str | None) -> dict[str, Any]:
    """Return the service of that path, by it; all of them without one.

    ``CommandError``: there is none.
    """
    found = all_services(queues)
    if wanted is None:
        return found
    path = f"/{wanted.strip('/')}"
    if path not in found:
        near = difflib.get_close_matches(path, found, 1)
        hint = f"did you mean {near[0]}?" if near else _known(found)
        raise CommandError(f"There is no task service {path}: {hint}")
    return {path: found[path]}


def find_service(queues: Any, wanted: str | None) -> Any:
    """Return the service of that path, or the only one.

    ``CommandError``: there is none, or several.
    """
    found = services_of(queues, wanted)
    if len(found) != 1:
        raise CommandError(
            f"Say with --service which task service is meant: {_known(found)}"
        )
    return next(iter(found.values()))


def _known(found: dict[str, Any]) -> str:
    return f"known are {', '.join(found)}." if found else "there is none."
