"""``POST @taskqueue/queues/NAME/pause`` and ``/resume``."""

from plone.app.taskqueue.restapi.body import read_body
from plone.app.taskqueue.restapi.problems import not_found
from plone.app.taskqueue.restapi.service import JobService
from typing import Any


class TaskQueuePost(JobService):
    """Needs "Pause queues"."""

    changes = True

    def answer(self) -> Any:
        match self.names:
            # A server makes slashes of %2F, so that a name may be several.
            case ["queues", *parts, "pause" | "resume" as action] if parts:
                return self._change("/".join(parts), action)
        raise self.no_such_address()

    def _change(self, name: str, action: str) -> Any:
        read_body(self.request, {})
        change = getattr(self.administration, action)
        try:
            change(name)
        except LookupError as error:
            raise not_found(str(error.args[0])) from None
        return self.reply_no_content()
