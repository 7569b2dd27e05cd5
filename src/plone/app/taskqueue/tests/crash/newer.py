"""Code that some workers have and others do not yet; never imported by their parent."""

from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.tests.crash import jobs


def work(run: jobs.Run, number: int) -> None:
    """Do nothing but the effect."""
    run.count(number)


class NewerJob(AsyncJob):
    """A job whose record those workers cannot read."""
