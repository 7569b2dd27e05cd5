from plone.app.taskqueue.tests.dispatcher.test_guard import *  # noqa: F403
from plone.app.taskqueue.tests.storages.homes import KINDS as EVERYWHERE
from plone.app.taskqueue.tests.storages.homes import WITH_HISTORY


KINDS = {**EVERYWHERE, **WITH_HISTORY}
