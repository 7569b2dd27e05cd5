from plone.app.taskqueue.tests.dispatcher.test_guard import *  # noqa: F403
from plone.app.taskqueue.tests.storages.homes import EVERYWHERE
from plone.app.taskqueue.tests.storages.homes import WITH_HISTORY


STORAGES = {**EVERYWHERE, **WITH_HISTORY}
