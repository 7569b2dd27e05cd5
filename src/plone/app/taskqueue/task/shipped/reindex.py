"""``reindex``: bring the catalog up to date."""

from AccessControl.Permissions import manage_zcatalog_entries
from difflib import get_close_matches
from plone.app.taskqueue import _
from plone.app.taskqueue.task.errors import TaskError
from plone.app.taskqueue.task.registration import task
from plone.app.taskqueue.task.shipped.catalogued import Catalogued
from plone.app.taskqueue.task.shipped.place import absolute
from plone.app.taskqueue.task.shipped.place import at
from plone.app.taskqueue.task.shipped.place import current_site
from plone.app.taskqueue.task.shipped.place import IPlace
from plone.app.taskqueue.task.shipped.portions import Portions
from plone.app.taskqueue.task.shipped.rights import require
from Products.CMFCore.utils import getToolByName
from typing import Any
from zope.interface import Interface
from zope.schema import Bool
from zope.schema import Int
from zope.schema import TextLine
from zope.schema import Tuple


class IReindex(IPlace):
    indexes = Tuple(
        title=_("Indexes"),
        description=_("Names of indexes; none for all of them."),
        value_type=TextLine(),
        required=False,
        default=(),
        missing_value=(),
    )
    metadata = Bool(
        title=_("Metadata"),
        description=_("Also update what search results show."),
        default=True,
    )
    remove_missing = Bool(
        title=_("Remove missing"),
        description=_("Take out of the catalog what is not there any more."),
        default=False,
    )


class IReindexed(Interface):
    done = Int(title=_("Reindexed"), default=0)
    missing = Int(title=_("Missing"), default=0)
    removed = Int(title=_("Removed"), default=0)
    failed = Int(title=_("Failed"), default=0)


@task(
    "reindex",
    title=_("Reindex"),
    description=_("Bring the catalog up to date, as a whole or below a path."),
    input_schema=IReindex,
    output_schema=IReindexed,
    unique=True,
    isolated=True,
)
def reindex(
    path: str = "",
    indexes: tuple[str, ...] = (),
    metadata: bool = True,
    remove_missing: bool = False,
) -> dict[str, int]:
    """Reindex what the catalog knows at ``path`` and below; return counts.

    In portions with a commit each; goes on where it was if it is run again.  What the
    catalog does not know is not looked for.  Dates of modification stay.
    """
    catalog = getToolByName(current_site(), "portal_catalog")
    require(manage_zcatalog_entries, catalog, "reindex content")
    _check_indexes(catalog, indexes)

    def handle(found: str) -> str:
        obj = at(found)
        if obj is None:
            return _gone(catalog, found, remove_missing)
        catalog.catalog_object(obj, found, list(indexes), metadata)
        return "done"

    top = absolute(path)
    known = Catalogued(catalog, top)
    work = ("reindex", top, indexes, metadata, remove_missing)
    return Portions(work).run(known.following, handle, len(known))


def _gone(catalog: Any, path: str, remove: bool) -> str:
    if not remove:
        return "missing"
    catalog.uncatalog_object(path)
    return "removed"


def _check_indexes(catalog: Any, names: tuple[str, ...]) -> None:
    known = catalog.indexes()
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise TaskError(f"The catalog has no index {name!r}.{hint}")
