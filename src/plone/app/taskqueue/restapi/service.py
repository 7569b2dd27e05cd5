"""What the services have in common: the names after theirs, errors, and the site."""

from AccessControl import getSecurityManager
from http import HTTPStatus
from plone.app.taskqueue.administration.errors import ActionError
from plone.app.taskqueue.interfaces import IAdministration
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.restapi.problems import MEDIA_TYPE
from plone.app.taskqueue.restapi.problems import not_found
from plone.app.taskqueue.restapi.problems import ProblemError
from plone.app.taskqueue.restapi.sender import check_sender
from plone.restapi.services import Service
from Products.CMFCore.utils import getToolByName
from typing import Any
from zExceptions import Unauthorized
from zope.interface import implementer
from zope.publisher.interfaces import IPublishTraverse

import transaction


@implementer(IPublishTraverse)
class JobService(Service):
    """Base of the services: ``answer`` returns what is sent, or raises.

    ``ProblemError``, ``Unauthorized`` and ``ActionError`` become the body of an error,
    and nothing that was changed before is kept.
    """

    #: True for those that change something.
    changes = False

    def __init__(self, context: Any, request: Any) -> None:
        super().__init__(context, request)
        #: The names in the address after the name of the service.
        self.names: list[str] = []

    def publishTraverse(self, request: Any, name: str) -> "JobService":
        self.names.append(name)
        return self

    def reply(self) -> Any:
        # Browsers are not to guess that what somebody has written is a page.
        self.request.response.setHeader("X-Content-Type-Options", "nosniff")
        try:
            if self.changes:
                check_sender(self.request)
            return self.answer()
        except ProblemError as error:
            problem = error
        except Unauthorized as error:
            problem = ProblemError(_status_of_refusal(), str(error))
        except ActionError as error:
            problem = ProblemError(HTTPStatus.CONFLICT, error.args[0])
        transaction.doom()
        self.request.response.setStatus(problem.status.value)
        self.content_type = MEDIA_TYPE
        return problem.body(self.request)

    def answer(self) -> Any:
        """Do what is asked, and return what JSON can write."""
        raise NotImplementedError

    @property
    def site(self) -> Any:
        """The Plone site."""
        return getToolByName(self.context, "portal_url").getPortalObject()

    @property
    def site_url(self) -> str:
        return self.site.absolute_url()

    @property
    def administration(self) -> IAdministration:
        """The way to the jobs, as whoever is logged in."""
        found = getattr(self, "_administration", None)
        if found is None:
            found = self._administration = IAdministration(self.site)
        return found

    def job(self, reference: str) -> IAsyncJob:
        """Return a job; ``ProblemError``: it is not there, or not to be seen."""
        try:
            return self.administration.job(reference)
        except LookupError as error:
            raise not_found(str(error.args[0])) from None

    def accepted(self, url: str) -> None:
        """Say that something is queued, and where one sees what becomes of it."""
        self.request.response.setStatus(HTTPStatus.ACCEPTED.value)
        self.request.response.setHeader("Location", url)

    def no_such_address(self) -> ProblemError:
        """Return what is raised for names that lead nowhere."""
        path = "/".join([self.__name__.rpartition("_")[2], *self.names])
        return not_found(f"There is nothing at {path}.")


def _status_of_refusal() -> HTTPStatus:
    """Logging in may help somebody who is not logged in, and nobody else."""
    if getSecurityManager().getUser().getId() is None:
        return HTTPStatus.UNAUTHORIZED
    return HTTPStatus.FORBIDDEN
