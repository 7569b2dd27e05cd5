"""Capture: write down the caller's surroundings when a job is queued."""

from Acquisition import aq_base
from Acquisition import aq_inner
from Acquisition import aq_parent
from plone.app.taskqueue.environment.address import capture_address
from plone.app.taskqueue.environment.language import capture_language
from plone.app.taskqueue.environment.layers import capture_layers
from plone.app.taskqueue.environment.reference import refer
from plone.app.taskqueue.environment.request import current_request
from plone.app.taskqueue.environment.skin import capture_skin
from plone.app.taskqueue.environment.surroundings import Surroundings
from plone.app.taskqueue.environment.user import capture_user
from plone.app.taskqueue.environment.walk import path_of
from Products.CMFCore.interfaces import ISiteRoot
from zope.component.hooks import getSite
from zope.component.hooks import site


def capture(context) -> tuple:
    """Return what ``PloneEnvironment.enter`` needs to run a job on ``context``.

    A tuple of plain values that holds nothing secret.  The site is the one that
    contains ``context``, or the current one for an object outside of all sites.

    ``ValueError``: the context, or the user, could not be found again.
    """
    current = _site_root(getSite())
    portal = _site_root(context) or current
    if portal is None or aq_base(portal) is aq_base(current):
        return _captured(context, portal)
    # Queued from outside of the site, whose own settings are to be asked.
    with site(portal):
        return _captured(context, portal)


def capture_place(context=None) -> Surroundings:
    """Return what is to be known of a context, and under which address sites are seen.

    Nothing of the caller: the user is Anonymous, and language, skin and layers are
    those of the site.  Without a context, nothing but the address.

    ``ValueError``: the context could not be found again.
    """
    address = capture_address(current_request(context))
    if context is None:
        return Surroundings("", (), address=address)
    portal = _site_root(context)
    portal_path, reference = _place(context, portal)
    return Surroundings(portal_path, reference, address=address)


def capture_here() -> tuple:
    """Return the same for the current site as the context.

    ``LookupError``: no site is set.
    """
    portal = _site_root(getSite())
    if portal is None:
        raise LookupError(
            "No site is set, so there is none for the job to run in: call "
            "zope.component.hooks.setSite(site) first."
        )
    return capture(portal)


def as_caller(surroundings: tuple) -> tuple:
    """Return these surroundings, with the user who is logged in now."""
    known = Surroundings.unpack(surroundings)
    return known._replace(user=capture_user(known.portal)).pack()


def _place(context, portal) -> tuple:
    """Return the portal's path and the reference to the context."""
    path, uuid, oid = refer(context)
    portal_path = "" if portal is None else path_of(portal)
    if portal is not None and (path + "/").startswith(portal_path + "/"):
        path = path[len(portal_path) + 1 :]
    elif not path:
        path = "/"
    return portal_path, (path, uuid, oid)


def _captured(context, portal) -> tuple:
    portal_path, reference = _place(context, portal)
    request = current_request(context)
    return Surroundings(
        portal=portal_path,
        context=reference,
        user=capture_user(portal_path),
        address=capture_address(request),
        language=capture_language(request),
        skin=None if portal is None else capture_skin(portal),
        layers=capture_layers(request, portal),
    ).pack()


def _site_root(obj):
    while obj is not None and not ISiteRoot.providedBy(obj):
        obj = aq_parent(aq_inner(obj))
    return obj
