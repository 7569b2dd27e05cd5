"""What the engine may ask about surroundings: whose they are, and to put them up."""

from collections.abc import Iterator
from contextlib import contextmanager
from plone.app.taskqueue.environment import leftover
from plone.app.taskqueue.environment.environment import PloneEnvironment
from plone.app.taskqueue.environment.root import root_application
from plone.app.taskqueue.environment.surroundings import Surroundings
from plone.app.taskqueue.environment.undisturbed import undisturbed
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.interfaces import ISurroundings
from zExceptions import BadRequest
from zope.interface import implementer

import logging


logger = logging.getLogger("plone.app.taskqueue.environment")


@implementer(ISurroundings)
class PloneSurroundings:
    """Surroundings as ``capture`` writes them down; see ``ISurroundings``."""

    def describe(self, surroundings: tuple) -> tuple:
        """Return ``(context_path, portal_path, uf_path, user_id)``, paths as tuples.

        ``((), None)`` at the end for Anonymous, and ``()`` for the portal's path of an
        object outside of all sites.
        """
        known = Surroundings.unpack(surroundings)
        user_path, user_id = known.user_reference() or ("", None)
        return (
            tuple(known.context_path().split("/")),
            _steps(known.portal),
            _steps(user_path),
            user_id,
        )

    def facets(self, surroundings: tuple) -> tuple:
        """Return the site's path, the user, and the context's UUID and path.

        The user is ``(path of the user folder, id)``, ``None`` for Anonymous.
        """
        known = Surroundings.unpack(surroundings)
        uuid, path = "", ""
        if known.context:
            uuid, path = known.context[1] or "", known.context_path() or "/"
        return known.portal, known.user_reference(), uuid, path

    @contextmanager
    def visit(self, job: IAsyncJob) -> Iterator[None]:
        """Set the job's site and user, in the caller's thread and transaction.

        Pending indexing is worked off on the way in and on the way out, so that each
        is done in the site that it belongs to.  What is gone is left out, with a line
        in the log: without its user the job has Anonymous.
        """
        with _lent(job) as environment:
            try:
                environment.enter(job)
            except BadRequest as error:
                logger.warning(
                    "The surroundings of job %s are gone: %s. It is visited with "
                    "what is left of them, and as Anonymous if the user is gone.",
                    job.id,
                    error,
                )
            yield
            environment.flush()


@contextmanager
def inside(
    job: IAsyncJob, factory: type[PloneEnvironment] = PloneEnvironment
) -> Iterator[tuple]:
    """Let the job run in the caller's thread and transaction, in its own surroundings.

    Yields what is to be put before its arguments.  Pending indexing is worked off on the
    way in, and on the way out unless the job raises.

    ``BadRequest``: site, context or user are gone; nobody else takes their place.
    """
    with _lent(job, factory) as environment:
        yield environment.enter(job)
        environment.flush()


@contextmanager
def _lent(
    job: IAsyncJob, factory: type[PloneEnvironment] = PloneEnvironment
) -> Iterator[PloneEnvironment]:
    leftover.index_now()
    environment = factory()
    with undisturbed():
        environment.open(root_application(job._p_jar)._p_jar)
        try:
            yield environment
        finally:
            environment.leave()
            environment.close()


def _steps(path: str) -> tuple:
    return tuple(path.split("/")) if path else ()
