"""What GenericSetup's XML files cannot say."""

from plone.app.taskqueue.administration.settings import apply_all
from plone.app.taskqueue.endings.wishes import forget_wishes
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.service.moving import register_all
from plone.app.taskqueue.service.moving import unregister_all
from plone.base.interfaces import INonInstallable
from plone.registry.interfaces import IRegistry
from Products.GenericSetup.tool import SetupTool
from zope.component import getUtility
from zope.component.hooks import getSite
from zope.interface import implementer


#: All registry records of this package have names that start so.
REGISTRY_PREFIX = "plone.app.taskqueue."


@implementer(INonInstallable)
class HiddenProfiles:
    """Keeps profiles that nobody should pick off the lists of add-ons."""

    def getNonInstallableProfiles(self) -> list[str]:
        return ["plone.app.taskqueue:uninstall"]


def post_install(setup_tool: SetupTool) -> None:
    """Make the queues, so that no two first jobs can conflict over making them."""
    # Of the application, as a site may lie in a mounted database of its own.
    get_queues(setup_tool.getPhysicalRoot()._p_jar)
    # Those that an earlier installation had.
    register_all(getSite())
    apply_all(getSite())


def post_uninstall(setup_tool: SetupTool) -> None:
    """Delete the registry records, those of interfaces since renamed included.

    Jobs stay: they belong to the database, where other sites may have theirs.  Task
    services stay too, but not in the site's registry, which nobody could read any more
    after the package is gone.
    """
    unregister_all(getSite())
    forget_wishes(getSite())
    records = getUtility(IRegistry).records
    for name in list(records.keys(REGISTRY_PREFIX, REGISTRY_PREFIX + "\uffff")):
        del records[name]
