"""The domain: jobs, their states, batches and callbacks.  No Plone, no threads, no queue.

``Job`` and ``CronJob`` are those of services, under the names of z3c.taskqueue.
"""

from typing import Any


__all__ = ["CronJob", "Job"]


def __getattr__(name: str) -> Any:
    # Not at once: each module of this package may be the first that is imported.
    if name == "Job":
        from plone.app.taskqueue.job.taskjob import Job

        return Job
    if name == "CronJob":
        from plone.app.taskqueue.job.cronjob import CronJob

        return CronJob
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
