"""What users want to be told, and where that is kept."""

from plone.app.taskqueue.endings.wishes import forget_wishes
from plone.app.taskqueue.endings.wishes import keep_wishes
from plone.app.taskqueue.endings.wishes import KEY
from plone.app.taskqueue.endings.wishes import NOTHING
from plone.app.taskqueue.endings.wishes import Wishes
from plone.app.taskqueue.endings.wishes import wishes_of
from plone.app.taskqueue.tests.service.base import Request
from plone.app.taskqueue.tests.service.base import ServiceTestCase
from plone.base.utils import get_installer
from zope.annotation.interfaces import IAnnotations

import threading
import transaction


ONE = ("/plone/acl_users", "one")
ROOT = ("/acl_users", "one")


class TestWishes(ServiceTestCase):
    def test_users_of_two_folders_are_two(self):
        keep_wishes(self.portal, ONE, Wishes(False, True))
        self.assertEqual(wishes_of(self.portal, ONE), (False, True))
        self.assertEqual(wishes_of(self.portal, ROOT), (True, False))
        keep_wishes(self.portal, ROOT, Wishes(True, True))
        self.assertEqual(wishes_of(self.portal, ONE), (False, True))

    def test_nobody_wants_anything(self):
        self.assertEqual(wishes_of(self.portal, None), NOTHING)

    def test_two_users_change_theirs_at_the_same_time(self):
        keep_wishes(self.portal, ONE, Wishes())
        transaction.commit()
        both = threading.Barrier(2)
        requests = [
            Request(
                self.app._p_jar.db(),
                lambda portal, name=name: keep_wishes(
                    portal, ("/plone/acl_users", name), Wishes(False, True)
                ),
                lambda: both.wait(10),
            )
            for name in ("two", "three")
        ]
        for request in requests:
            request.outcome()
            self.assertEqual(request.conflicts, 0)
        transaction.begin()
        for name in ("two", "three"):
            user = ("/plone/acl_users", name)
            self.assertEqual(wishes_of(self.portal, user), (False, True))

    def test_they_are_gone_when_the_package_is_uninstalled(self):
        keep_wishes(self.portal, ONE, Wishes(False, True))
        installer = get_installer(self.portal, self.layer["request"])
        installer.uninstall_product("plone.app.taskqueue")
        self.assertNotIn(KEY, IAnnotations(self.portal))
        forget_wishes(self.portal)
