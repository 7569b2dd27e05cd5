"""What a file says, after all of it was found to be right."""

from dataclasses import dataclass
from dataclasses import field
from plone.app.taskqueue.schedule.schedule import Schedule
from typing import Any


class ProfileError(ValueError):
    """A file of a profile cannot be used; the message says where and why."""


@dataclass
class WantedCronJob:
    """A cron job of a service."""

    name: str
    remove: bool = False
    task: str = ""
    input: Any = None
    #: The object that its task works on.
    context: Any = None
    schedule: Schedule | None = None


@dataclass
class WantedService:
    """A service; ``settings`` are those that the file names."""

    name: str
    remove: bool = False
    #: Whether cron jobs that the file does not name are removed.
    purge: bool = False
    settings: dict[str, Any] = field(default_factory=dict)
    cron_jobs: list[WantedCronJob] = field(default_factory=list)


@dataclass
class Wanted:
    """The services of a site."""

    #: Whether services and cron jobs that the file does not name are removed.
    purge: bool = False
    services: list[WantedService] = field(default_factory=list)
