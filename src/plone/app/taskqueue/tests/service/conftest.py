"""Services with cron jobs, for all tests of services."""

from plone.app.taskqueue.tests.service.crons import hourly as hourly
from plone.app.taskqueue.tests.service.crons import service as service
from plone.app.taskqueue.tests.service.crons import times as times
