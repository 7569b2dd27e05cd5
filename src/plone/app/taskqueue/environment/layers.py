"""The browser layers of a job's request.

A request gets its layers from the site: its skin's, and those of installed add-ons.
These are set anew when the job runs; only others, such as the layer of plone.rest's
API requests, are captured.
"""

from plone.browserlayer.interfaces import ILocalBrowserLayerType
from plone.browserlayer.layer import mark_layer as mark_installed_layers
from plone.theme.interfaces import IDefaultPloneLayer
from plone.theme.layer import mark_layer as mark_skin_layer
from zope.component import getAllUtilitiesRegisteredFor
from zope.component import queryUtility
from zope.dottedname.resolve import resolve
from zope.interface import directlyProvidedBy
from zope.interface import directlyProvides
from zope.interface.interfaces import IInterface
from zope.publisher.interfaces.browser import IBrowserSkinType
from zope.publisher.interfaces.browser import IDefaultBrowserLayer
from zope.publisher.skinnable import setDefaultSkin
from zope.traversing.interfaces import BeforeTraverseEvent

import logging


logger = logging.getLogger("plone.app.taskqueue.environment")


def capture_layers(request, portal) -> tuple:
    """Return the dotted names of layers which the site would not have set itself."""
    if request is None:
        return ()
    usual = {IDefaultBrowserLayer, IDefaultPloneLayer}
    if portal is not None:
        usual.update(getAllUtilitiesRegisteredFor(ILocalBrowserLayerType))
        skin_name = portal.getCurrentSkinName() or ""
        usual.add(queryUtility(IBrowserSkinType, name=skin_name))
    return tuple(
        layer.__identifier__
        for layer in directlyProvidedBy(request)
        if layer not in usual
    )


def find_layers(request, portal, names: tuple) -> tuple:
    """Return the interfaces for a job's request, most specific first.

    Marks ``request`` as the publisher would on its way to ``portal`` (or ``None``).
    A layer whose package has vanished is left out, with a line in the log.
    """
    setDefaultSkin(request)
    if portal is not None:
        event = BeforeTraverseEvent(portal, request)
        mark_installed_layers(portal, event)
        mark_skin_layer(portal, event)
    captured = [layer for layer in map(_resolved, names) if layer is not None]
    return tuple(dict.fromkeys([*captured, *directlyProvidedBy(request)]))


def restore_layers(request, layers: tuple) -> None:
    """Mark the request with exactly these layers."""
    directlyProvides(request, *layers)
    # Traversing the site with this request must not mark it once more.
    request._plonebrowserlayer_ = True
    request._plonetheme_ = True


def _resolved(name: str):
    try:
        layer = resolve(name)
    except Exception as error:
        logger.warning(
            "Browser layer %s is left out: it cannot be imported (%r)", name, error
        )
        return None
    return layer if IInterface.providedBy(layer) else None
