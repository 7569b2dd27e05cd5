"""The environment of jobs in Plone: restores surroundings, and resets them after."""

from AccessControl.SecurityManagement import newSecurityManager
from AccessControl.SecurityManagement import noSecurityManager
from Acquisition import aq_inner
from Acquisition import aq_parent
from plone.app.taskqueue.environment import leftover
from plone.app.taskqueue.environment import threadlocals
from plone.app.taskqueue.environment.found import Found
from plone.app.taskqueue.environment.language import restore_language
from plone.app.taskqueue.environment.layers import find_layers
from plone.app.taskqueue.environment.layers import restore_layers
from plone.app.taskqueue.environment.purging import purge_after_commit
from plone.app.taskqueue.environment.request import build_request
from plone.app.taskqueue.environment.request import point_at
from plone.app.taskqueue.environment.skin import find_skin
from plone.app.taskqueue.environment.skin import restore_skin
from plone.app.taskqueue.environment.surroundings import Surroundings
from plone.app.taskqueue.events import event_for
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.interfaces import IEnvironment
from zExceptions import BadRequest
from zope.component.hooks import setSite
from zope.component.interfaces import ISite
from zope.event import notify
from zope.globalrequest import setRequest
from zope.interface import implementer
from zope.security.management import newInteraction
from zope.security.management import queryInteraction


class _Restored:
    """What is in force for the job that is entered now."""

    root = None
    request = None
    portal = None
    site = None
    user = None
    context = None


@implementer(IEnvironment)
class PloneEnvironment:
    """Surroundings of jobs, for one worker thread; see ``IEnvironment``."""

    def __init__(self) -> None:
        self._connection = None
        self._found: dict[tuple, Found] = {}
        self._now: _Restored | None = None
        #: The engine's own hooks of the transaction.
        self._hooks: list = []

    # life of a transaction

    def open(self, connection) -> None:
        """A transaction has begun on ``connection`` (the main database's)."""
        self._connection = connection
        self._hooks = leftover.registered()
        self._found.clear()

    def changed(self) -> None:
        """The job changed something in the database: forget what was looked up."""
        self._found.clear()

    def close(self) -> None:
        """The transaction has ended: forget everything."""
        self._found.clear()
        self._connection = None

    # life of a job

    def enter(self, job: IAsyncJob) -> tuple:
        """Restore the job's surroundings; return its context, to be put first.

        A job without surroundings gets none, and nothing put first; nor one that has
        surroundings and no context.

        ``BadRequest``: site, context, user folder or user are gone.
        """
        self._now = now = _Restored()
        packed = job.surroundings
        if packed is None:
            return ()
        surroundings = Surroundings.unpack(packed)
        found = self._found.get(packed)
        if found is None:
            found = self._found[packed] = Found(surroundings)
        application = self._connection.root()["Application"]
        now.request, now.root = build_request(application, surroundings.address)
        self._apply(now)
        now.portal = now.site = found.portal(now.root)
        self._restore_site(now, found, surroundings)
        # The context is wanted by subscribers, even if the user turns out to be gone.
        gone = None
        try:
            now.context = found.context(now.root)
        except BadRequest as error:
            gone = error
        else:
            place = now.portal if now.context is None else now.context
            point_at(now.request, now.root if place is None else place)
            now.site = _nearest_site(now.context) or now.portal
        now.user = found.user(now.root)
        self._apply(now)
        if gone is not None:
            raise gone
        return () if now.context is None else (now.context,)

    def announce(self, job: IAsyncJob) -> None:
        """Fire the event of the job's outcome, inside its site and as its user.

        Whatever the job did to the site or the user is set right first.  A job
        without surroundings has no event.
        """
        now = self._now
        if now is None or now.request is None:
            return
        event = event_for(job, now.context)
        if event is None:
            return
        self._apply(now)
        notify(event)
        # Last, as subscribers may change content too.
        purge_after_commit(now.request)

    def flush(self) -> bool:
        """Index now what the job left to the commit: by then its site is reset.

        Returns true if the commit itself needs the surroundings; see ``leftover``.
        """
        now = self._now
        if now is None or now.request is None:
            return False
        self._apply(now)
        was_told = leftover.index_now()
        # What was changed since the announcement, if there was one at all.
        purge_after_commit(now.request)
        return was_told or leftover.hooks(known=self._hooks)

    def leave(self) -> None:
        """Reset every thread-local that ``enter`` or the job may have set."""
        now, self._now = self._now, None
        threadlocals.reset(None if now is None else now.request)

    # helpers

    def _restore_site(self, now, found: Found, surroundings: Surroundings) -> None:
        setSite(now.portal)
        if now.portal is not None:
            if found.skin is None:
                found.skin = find_skin(now.portal, surroundings.skin)
            restore_skin(found.skin, surroundings.skin)
        if found.layers is None:
            found.layers = find_layers(now.request, now.portal, surroundings.layers)
        restore_layers(now.request, found.layers)
        restore_language(now.request, surroundings.language)

    def _apply(self, now: _Restored) -> None:
        setRequest(now.request)
        if queryInteraction() is None:
            # Forms and adapters ask zope.security, which then asks AccessControl.
            newInteraction()
        setSite(now.site)
        if now.user is None:
            noSecurityManager()
        else:
            newSecurityManager(now.request, now.user)
            now.request.other["AUTHENTICATED_USER"] = now.user


def _nearest_site(obj):
    # A folder may be a site of its own within the portal; the publisher would have
    # come by it on its way to the context.
    while obj is not None:
        if ISite.providedBy(obj):
            return obj
        obj = aq_parent(aq_inner(obj))
    return None
