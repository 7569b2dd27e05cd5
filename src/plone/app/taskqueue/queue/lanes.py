"""Lanes: the pending jobs of one set of quotas, in order.

A claim skips a lane whole when one of its quotas is full, so a full quota costs nothing
however many jobs wait for it.
"""

from plone.app.taskqueue.queue.shards import Shards


class Lane(Shards):
    """The pending jobs that have the same quotas."""

    #: True if these are jobs that others wait for, see ``Quota.has_room``.
    awaited = False
    #: True once a job with an owner was put here, so that owners take turns.
    owned = False

    def __init__(self, quota_names: tuple[str, ...], awaited: bool = False):
        super().__init__()
        self.quota_names = quota_names
        if awaited:
            self.awaited = True
