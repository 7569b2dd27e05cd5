"""The task services whose queues workers know of."""

from collections.abc import Iterable
from plone.app.taskqueue.interfaces import IQueues
from plone.app.taskqueue.interfaces import ITaskService
from typing import Any


def services_of_queues(queues: IQueues) -> list[Any]:
    """Return the services, without acquisition: those in sites are there once added."""
    return [
        getattr(queue, "service", None) for queue in queues.values() if queue.private
    ]


def by_path(services: Iterable[Any]) -> dict[str, Any]:
    """Return services by their paths, in the order of these.

    Some may be of classes that are not here any more, or have no place: these are not.
    """
    found = {
        path_of(service): service
        for service in services
        if ITaskService.providedBy(service) and service.getServicePath()
    }
    return dict(sorted(found.items()))


def path_of(service: Any) -> str:
    """Return the path of a service as people are to read and write it."""
    return "/".join(["", *service.getServicePath()])
