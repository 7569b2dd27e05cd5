"""Lanes: the pending jobs of one set of quotas, in order.

A claim skips a lane whole when one of its quotas is full, so a full quota costs nothing
however many jobs wait for it.
"""

from plone.app.taskqueue.queue.shards import Shards


class Lane(Shards):
    """The pending jobs that have the same quotas."""

    def __init__(self, quota_names: tuple[str, ...]):
        super().__init__()
        self.quota_names = quota_names
