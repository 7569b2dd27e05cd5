"""Task services: which there are, as whom their jobs run, and whether anybody runs them."""

from Acquisition import aq_base
from plone.app.taskqueue import _
from plone.app.taskqueue.administration.access import Access
from plone.app.taskqueue.administration.access import ADD_SERVICES
from plone.app.taskqueue.administration.access import MANAGE_CRON
from plone.app.taskqueue.administration.access import MANAGE_SERVICES
from plone.app.taskqueue.administration.access import RUN_AS_OTHERS
from plone.app.taskqueue.administration.access import USE_SERVICES
from plone.app.taskqueue.administration.errors import InputError
from plone.app.taskqueue.environment.walk import application
from plone.app.taskqueue.environment.walk import find
from plone.app.taskqueue.interfaces import ISiteTaskService
from plone.app.taskqueue.queue.services import by_path
from plone.app.taskqueue.queue.services import path_of
from plone.app.taskqueue.queue.services import services_of_queues
from plone.app.taskqueue.service.siteservice import SiteTaskService
from plone.base.utils import safe_text
from typing import Any
from zExceptions import BadRequest
from zExceptions import Unauthorized

import re


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
#: Any of these shows a service, and what it can do.
_SHOWING = (USE_SERVICES, MANAGE_CRON, MANAGE_SERVICES)


class ServiceAdministration:
    """The part of ``IAdministration`` that is about task services."""

    place: Any
    access: Access
    queues: Any

    def services(self) -> list[Any]:
        found = [service for service in self._all_services() if self._may_see(service)]
        if not found and not any(self.access.may(each) for each in _SHOWING):
            self.access.require(USE_SERVICES)
        return found

    def service(self, name: str) -> Any:
        for service in self.services():
            # From the root two sites may have services of one name: paths tell them.
            if name == path_of(service) or (
                name == service.getId() and service.folder_path == self._folder_path
            ):
                return service
        raise LookupError(f"There is no task service {name!r} here.")

    def describe_service(self, service: Any) -> dict[str, Any]:
        return {
            "id": service.getId(),
            "path": path_of(service),
            "title": service.title,
            "user": service.user[1] if service.user else None,
            "user_folder": service.user[0] if service.user else None,
            "runs_as_me": self.access.user is not None
            and service.user == self.access.user,
            "processing": bool(service.isProcessing()),
            # By its queue, at no cost: the service would have to walk along them.
            "jobs": sum(service._queue.counts().values()),
            "can_use": self.access.may(USE_SERVICES, service),
            "can_manage": self.access.may(MANAGE_SERVICES, service),
            "can_plan": self.access.may(MANAGE_CRON, service),
        }

    def add_service(self, name: str, title: str = "", as_me: bool = False) -> Any:
        self.access.require(ADD_SERVICES)
        name = name.strip() if isinstance(name, str) else ""
        _check_name(self.place, name)
        service = SiteTaskService(name, safe_text(title).strip())
        try:
            self.place._setObject(name, service)
        except BadRequest as error:
            raise _wrong_name(str(error)) from error
        added = self.place._getOb(name)
        if as_me:
            added.user = self.access.user
        self.note("add_service", path_of(added))
        return added

    def start_processing(self, service: Any) -> None:
        self.access.require(MANAGE_SERVICES, service)
        service.startProcessing()
        self.note("start_processing", path_of(service))

    def stop_processing(self, service: Any) -> None:
        self.access.require(MANAGE_SERVICES, service)
        service.stopProcessing()
        self.note("stop_processing", path_of(service))

    def note(
        self, action: str, subject: str = "", count: int = 1, text: str = ""
    ) -> None:
        raise NotImplementedError

    @property
    def _folder_path(self) -> str:
        return self.access.site or ""

    def _all_services(self) -> list[Any]:
        return [
            wrapped
            for service in by_path(services_of_queues(self.queues)).values()
            if ISiteTaskService.providedBy(service)
            and self.access.site in (None, service.folder_path)
            and (wrapped := self._located(service)) is not None
        ]

    def _located(self, service: Any) -> Any:
        """Return it in its folder, with the request around; ``None``: it is not there."""
        folder = find(application(self.place), service.folder_path)
        found = None if folder is None else folder._getOb(service.getId(), None)
        return found if aq_base(found) is aq_base(service) else None

    def _may_see(self, service: Any) -> bool:
        return any(self.access.may(each, service) for each in _SHOWING)

    def _require_may_run_as(self, service: Any, user: tuple[str, str] | None) -> None:
        """Raise ``Unauthorized`` if a job would have somebody else's rights.

        Those of Anonymous everybody has.
        """
        if user is not None and not self._may_run_as(service, user):
            raise Unauthorized(
                f"This would run as {user[1]}, and for that you need the permission "
                f"{RUN_AS_OTHERS!r}."
            )

    def _may_run_as(self, service: Any, user: tuple[str, str] | None) -> bool:
        return (
            user is None
            or user == self.access.user
            or self.access.may(RUN_AS_OTHERS, service)
        )


def _check_name(place: Any, name: str) -> None:
    """Raise ``InputError`` if nothing can have that id there."""
    if not name:
        raise _wrong_name(_("A task service has an id."))
    if not _NAME.fullmatch(name):
        raise _wrong_name(
            _(
                "An id has letters without accents, digits, dots, hyphens and "
                "underscores."
            )
        )
    if getattr(aq_base(place), name, None) is not None:
        raise _wrong_name(
            _(
                "service_id_taken",
                default="The id ${id} is reserved, or something has it already.",
                mapping={"id": name},
            )
        )


def _wrong_name(text: Any) -> InputError:
    return InputError(text, {"id": text})
