from plone.app.taskqueue.tests.dispatcher.test_freezing import *  # noqa: F403
from plone.app.taskqueue.tests.storages.homes import SHARED


# What they are about is in a worker's memory.
STORAGES = SHARED
