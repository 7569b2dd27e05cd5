"""What a job is called where people read it who did not write it."""

from plone.app.taskqueue import _
from plone.app.taskqueue.interfaces import ITask
from plone.app.taskqueue.job import batch
from plone.app.taskqueue.job.callables import name_of
from typing import Any
from zope.component import queryUtility

import re


_BATCHES = {
    name_of(batch.serial): _("title_serial", default="Jobs one after the other"),
    name_of(batch.parallel): _("title_parallel", default="Several jobs"),
}

#: Where a new word begins in a name.
_WORDS = re.compile(r"_+|\.|(?<=[a-z0-9])(?=[A-Z])")


def title_of(summary: dict[str, Any]) -> Any:
    """Return the title of a task, or the name of a function as words.

    ``summary`` is what ``IAdministration.summary`` returns.  A message or a text; whoever
    shows it escapes it.
    """
    if summary["task"] is not None:
        task = queryUtility(ITask, name=summary["task"])
        return getattr(task, "title", None) or summary["task"]
    function = summary["function"]
    if function in _BATCHES:
        return _BATCHES[function]
    words = _WORDS.sub(" ", function.rpartition(":")[2]).split()
    text = " ".join(word if word.isupper() else word.lower() for word in words)
    return text[:1].upper() + text[1:] or function
