"""What is queued, by whom, and what must have come of it."""

from dataclasses import dataclass
from plone.app.taskqueue.demo import jobs
from plone.app.taskqueue.demo.site import acting_as
from plone.app.taskqueue.demo.site import EDITOR
from plone.app.taskqueue.demo.site import REVIEWER
from plone.app.taskqueue.demo.site import SECTION_ID
from plone.app.taskqueue.interfaces import IAsyncService
from plone.app.taskqueue.job.states import State
from typing import Any
from zope.component import getUtility
from zope.component.hooks import setSite

import transaction


@dataclass(frozen=True)
class Lot:
    """Jobs of one kind, by one user."""

    title: str
    user: str
    expected: State
    ids: tuple[int, ...]


def text_of(folder_id: str, page_id: str) -> str:
    """Return what the editor's job writes into a page."""
    return f"Revised in the background: {folder_id}, {page_id}."


def queue_jobs(portal: Any, names: list[tuple[str, str]]) -> list[Lot]:
    """Queue everything, each user's jobs of a kind in one transaction."""
    third = len(names) // 3
    lots = [
        _queue(portal, title, user, State.COMPLETED, calls)
        for title, user, calls in (
            (
                "revise",
                EDITOR,
                [(jobs.revise, name, text_of(*name)) for name in names],
            ),
            ("submit", EDITOR, [(jobs.submit, name) for name in names[: 2 * third]]),
            ("publish", REVIEWER, [(jobs.publish, name) for name in names[:third]]),
            ("reindex", EDITOR, [(jobs.reindex, name) for name in names]),
            ("conflict", EDITOR, [(jobs.count_against_a_rival, ())]),
        )
    ]
    lots.append(
        _queue(
            portal,
            "forbidden",
            EDITOR,
            State.FAILED,
            [(jobs.found_a_site_wide_page, None)],
        )
    )
    return lots


def _queue(
    portal: Any, title: str, user: str, expected: State, calls: list[tuple]
) -> Lot:
    service = getUtility(IAsyncService)
    queued = []
    with acting_as(portal, user):
        setSite(portal)
        for function, name, *args in calls:
            context = portal
            for part in () if name is None else (SECTION_ID, *name):
                context = context[part]
            queued.append(service.queueJob(function, context, *args))
        transaction.commit()
    return Lot(title, user, expected, tuple(job.id for job in queued))


def differences(portal: Any, names: list[tuple[str, str]]) -> list[str]:
    """Read the content back; return in words what is not as it should be."""
    found: list[str] = []
    third = len(names) // 3
    workflow = portal.portal_workflow
    for number, (folder_id, page_id) in enumerate(names):
        page = portal[SECTION_ID][folder_id][page_id]
        path = "/".join(page.getPhysicalPath())
        state = workflow.getInfoFor(page, "review_state")
        if number < third:
            expected, actors = "published", [EDITOR, EDITOR, REVIEWER]
        elif number < 2 * third:
            expected, actors = "pending", [EDITOR, EDITOR]
        else:
            expected, actors = "private", [EDITOR]
        if state != expected:
            found.append(f"{path} is {state}, not {expected}")
        history = workflow.getInfoFor(page, "review_history")
        seen = [entry["actor"] for entry in history]
        if seen != actors:
            found.append(f"{path} was changed by {seen}, not by {actors}")
        text = text_of(folder_id, page_id)
        if page.description != text:
            found.append(f"{path} is described as {page.description!r}")
        brains = portal.portal_catalog.unrestrictedSearchResults(path=path)
        shown = [(brain.review_state, brain.Description) for brain in brains]
        if shown != [(expected, text)]:
            found.append(f"the catalog has {path} as {shown}")
    count = jobs.IAnnotations(portal[SECTION_ID])[jobs.COUNTER]
    if count != jobs.RIVALRIES + 1:
        found.append(f"the number is {count}, not {jobs.RIVALRIES + 1}")
    if "not-allowed" in portal:
        found.append("the forbidden page is there")
    return found
