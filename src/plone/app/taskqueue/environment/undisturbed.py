"""Lending the calling thread to jobs: all that the caller had set comes back."""

from AccessControl.SecurityManagement import getSecurityManager
from AccessControl.SecurityManagement import setSecurityManager
from collections.abc import Iterator
from contextlib import contextmanager
from Products.CMFCore.Skinnable import SKINDATA
from zope.component.hooks import getSite
from zope.component.hooks import setSite
from zope.globalrequest import getRequest
from zope.globalrequest import setRequest
from zope.security.management import thread_local as interactions

import threading


#: Where zope.security keeps the present interaction, and one to go back to.
_INTERACTIONS = ("interaction", "previous_interaction")
_NONE = object()


@contextmanager
def undisturbed() -> Iterator[None]:
    """Give the caller's site, user, request, skin and interaction back afterwards."""
    site = getSite()
    security = getSecurityManager()
    request = getRequest()
    skin = SKINDATA.get(threading.get_ident())
    talks = {name: vars(interactions).get(name, _NONE) for name in _INTERACTIONS}
    try:
        yield
    finally:
        setSite(site)
        setSecurityManager(security)
        setRequest(request)
        SKINDATA.pop(threading.get_ident(), None)
        if skin is not None:
            SKINDATA[threading.get_ident()] = skin
        for name, interaction in talks.items():
            vars(interactions).pop(name, None)
            if interaction is not _NONE:
                vars(interactions)[name] = interaction
