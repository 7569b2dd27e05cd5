"""What is done to jobs, and the sentences that tell what came of it."""

from plone.app.taskqueue import _
from plone.app.taskqueue.interfaces import IAdministration
from typing import Any
from zope.i18n import translate


#: What can be done to jobs.
ACTIONS = ("run_now", "cancel", "retry", "delete")


def done(action: str, count: int) -> Any:
    """Return the sentence that tells to how many jobs something was done."""
    mapping = {"count": count}
    return {
        "run_now": _(
            "zmi_done_run_now",
            default="Jobs that were started, or are next: ${count}.",
            mapping=mapping,
        ),
        "cancel": _(
            "zmi_done_cancel",
            default="Jobs that were cancelled, or whose worker was told to: ${count}.",
            mapping=mapping,
        ),
        "retry": _(
            "zmi_done_retry",
            default="Jobs that were queued again: ${count}.",
            mapping=mapping,
        ),
        "delete": _(
            "zmi_done_delete",
            default="Jobs that were removed: ${count}.",
            mapping=mapping,
        ),
    }[action]


def do_all(
    admin: IAdministration, action: str, references: list[str], request: Any
) -> tuple[str, str]:
    """Do something to several jobs; return what to say, and Bootstrap's word for it."""
    count, refused = admin.do_all(action, references)
    sentences = [done(action, count)] if count else []
    if refused:
        reason = refused[0][1]
        sentences.append(
            _(
                "zmi_refused",
                default="Jobs to which it could not be done: ${count}. Of the first: "
                "${reason}",
                mapping={
                    "count": len(refused),
                    "reason": translate(reason, context=request),
                },
            )
        )
    text = "\n".join(translate(each, context=request) for each in sentences)
    return text, "success" if count else "danger"
