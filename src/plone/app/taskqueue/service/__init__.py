"""The fronts through which code queues jobs."""

from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.retry import NeverRetry
from plone.app.taskqueue.job.retry import Retry
from plone.app.taskqueue.job.retry import RetryCommonForever
from plone.app.taskqueue.job.retry import RetryCommonFourTimes
from plone.app.taskqueue.job.retry import RetryWithDelay
from plone.app.taskqueue.service.announcing import job_failure_callback
from plone.app.taskqueue.service.announcing import job_success_callback
from plone.app.taskqueue.service.asyncservice import AsyncService
from plone.app.taskqueue.service.autostart import bootStrapSubscriber
from plone.app.taskqueue.service.autostart import getAutostartServiceNames
from plone.app.taskqueue.service.batches import parallel
from plone.app.taskqueue.service.batches import serial
from plone.app.taskqueue.service.here import queue
from plone.app.taskqueue.service.jobinfo import makeJob
from plone.app.taskqueue.service.jobinfo import wrapJob
from plone.app.taskqueue.service.siteservice import SiteTaskService
from plone.app.taskqueue.service.taskservice import BaseTaskService
from plone.app.taskqueue.service.taskservice import TaskService


# What it is called in messages and logs: where users of the package import it from.
AsyncService.__module__ = __name__

__all__ = [
    "AsyncJob",
    "AsyncService",
    "BaseTaskService",
    "NeverRetry",
    "Retry",
    "RetryCommonForever",
    "RetryCommonFourTimes",
    "RetryWithDelay",
    "SiteTaskService",
    "TaskService",
    "bootStrapSubscriber",
    "getAutostartServiceNames",
    "job_failure_callback",
    "job_success_callback",
    "makeJob",
    "parallel",
    "queue",
    "serial",
    "wrapJob",
]
