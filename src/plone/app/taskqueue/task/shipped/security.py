"""``rebuild-security``: who may see what, in the catalog and by workflow."""

from AccessControl.Permissions import manage_zcatalog_entries
from plone.app.taskqueue import _
from plone.app.taskqueue.task.registration import task
from plone.app.taskqueue.task.shipped.catalogued import Catalogued
from plone.app.taskqueue.task.shipped.place import absolute
from plone.app.taskqueue.task.shipped.place import at
from plone.app.taskqueue.task.shipped.place import current_site
from plone.app.taskqueue.task.shipped.place import IPlace
from plone.app.taskqueue.task.shipped.portions import Portions
from plone.app.taskqueue.task.shipped.rights import require
from Products.CMFCore.permissions import ManagePortal
from Products.CMFCore.utils import getToolByName
from typing import Any
from zope.interface import Interface
from zope.schema import Bool
from zope.schema import Int


#: Indexes of content that does not name its own.
_INDEXES = ("allowedRolesAndUsers",)


class IRebuildSecurity(IPlace):
    workflow = Bool(
        title=_("Workflow"),
        description=_(
            "First give all content the permissions that its workflow says: for after "
            "a workflow was changed."
        ),
        default=False,
    )


class IRebuilt(Interface):
    done = Int(title=_("Reindexed"), default=0)
    missing = Int(title=_("Missing"), default=0)
    failed = Int(title=_("Failed"), default=0)


@task(
    "rebuild-security",
    title=_("Rebuild security"),
    description=_("Bring the catalog up to date about who may see what."),
    input_schema=IRebuildSecurity,
    output_schema=IRebuilt,
    unique=True,
    isolated=True,
)
def rebuild_security(path: str = "", workflow: bool = False) -> dict[str, int]:
    """Reindex who may see the content at ``path`` and below; return counts.

    In portions with a commit each; goes on where it was if it is run again.
    """
    site = current_site()
    catalog = getToolByName(site, "portal_catalog")
    require(manage_zcatalog_entries, catalog, "reindex content")
    if workflow:
        require(ManagePortal, site, "update the permissions of all content")
    workflows = getToolByName(site, "portal_workflow") if workflow else None

    def handle(found: str) -> str:
        obj = at(found)
        if obj is None:
            return "missing"
        if workflows is not None:
            _update_permissions(workflows, obj)
        indexes = getattr(obj, "_cmf_security_indexes", _INDEXES)
        catalog.catalog_object(obj, found, list(indexes), False)
        return "done"

    top = absolute(path)
    known = Catalogued(catalog, top)
    work = ("rebuild-security", top, workflow)
    return Portions(work).run(known.following, handle, len(known))


def _update_permissions(workflows: Any, obj: Any) -> None:
    for each in workflows.getWorkflowsFor(obj):
        update = getattr(each, "updateRoleMappingsFor", None)
        if update is not None:
            update(obj)
