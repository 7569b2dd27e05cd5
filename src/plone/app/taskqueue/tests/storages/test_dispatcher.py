from plone.app.taskqueue.tests.dispatcher.test_dispatcher import *  # noqa: F403
from plone.app.taskqueue.tests.storages.homes import CACHES
from plone.app.taskqueue.tests.storages.homes import EVERYWHERE
from plone.app.taskqueue.tests.storages.homes import WITH_HISTORY


STORAGES = {
    **EVERYWHERE,
    **CACHES,
    **WITH_HISTORY,
}
