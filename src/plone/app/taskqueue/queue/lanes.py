"""Lanes: the pending jobs of one set of quotas, in order.

A claim skips a lane whole when one of its quotas is full, so a full quota costs nothing
however many jobs wait for it.
"""

from plone.app.taskqueue.queue.shards import Shards


class Lane(Shards):
    """The pending jobs that have the same quotas.

    Jobs whose function a worker could not import have lanes of their own, apart from the
    others: workers that do not know it skip them, and those that do claim from them.
    So have jobs that a worker met which runs only others.
    """

    #: True if these are jobs that others wait for, see ``Quota.has_room``.
    awaited = False
    #: True once a job with an owner was put here, so that owners take turns.
    owned = False
    #: True if jobs of its function are put here at once, because a worker was met that
    #: does not want them.
    kept = False
    #: The function of its jobs if not every worker can import it; ``None``: any.
    function_name: str | None = None

    def __init__(
        self,
        quota_names: tuple[str, ...],
        awaited: bool = False,
        function_name: str | None = None,
    ):
        super().__init__()
        self.quota_names = quota_names
        if awaited:
            self.awaited = True
        if function_name is not None:
            self.function_name = function_name
