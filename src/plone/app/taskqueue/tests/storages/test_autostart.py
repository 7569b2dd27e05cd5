"""Whether a look finds what others have committed is for their storages to say."""

from plone.app.taskqueue.tests.service.test_autostart import lookout as lookout
from plone.app.taskqueue.tests.service.test_autostart import opened as opened
from plone.app.taskqueue.tests.service.test_autostart import (  # noqa: F401
    test_a_service_that_is_added_between_two_looks_is_started,
)
from plone.app.taskqueue.tests.service.test_autostart import (  # noqa: F401
    test_nothing_is_looked_at_where_nobody_has_committed,
)
