"""A site with tasks that have schemas, for those who start them through the web."""

from plone.app.taskqueue.tests.administration.base import AdministrationTestCase
from plone.app.taskqueue.tests.service.sites import title_of
from plone.app.testing import TEST_USER_ID
from plone.app.testing import TEST_USER_NAME
from zope.interface import Interface
from zope.interface import Invalid
from zope.interface import invariant
from zope.schema import Choice
from zope.schema import Date
from zope.schema import Int
from zope.schema import Password
from zope.schema import TextLine
from zope.schema import Timedelta

import transaction


class ITidy(Interface):
    name = TextLine(title="Name", description="Of what is tidied up.")
    days = Int(title="Days", min=1, default=30)
    since = Date(title="Since", required=False)
    within = Timedelta(title="Within", required=False)
    way = Choice(title="Way", values=["fast", "slow"], default="fast")
    secret = Password(title="Secret", required=False)

    @invariant
    def all_is_not_fast(tidy):
        if tidy.name == "all" and tidy.way == "fast":
            raise Invalid("All cannot be tidied up fast.")


def tidy(input):
    return f"{input['name']} {input['days']}"


class TasksTestCase(AdministrationTestCase):
    """``self.tasks`` runs jobs as the test user, ``self.others`` as somebody else."""

    def setUp(self):
        super().setUp()
        self.provide(
            "tidy",
            tidy,
            title="Tidy up",
            description="Makes <b>room</b>.",
            input_schema=ITidy,
            redact=("secret",),
        )
        self.provide("title-of", title_of, wants_context=True)
        self.provide("mine", tidy, run_as="caller", input_schema=ITidy)
        self.tasks.user = ("/plone/acl_users", TEST_USER_ID)
        self.others = self.add_service(self.portal, "others")
        self.others.user = ("/acl_users", "admin")
        transaction.commit()

    @property
    def mine(self):
        return self.admin.service("tasks")

    @property
    def theirs(self):
        return self.admin.service("others")

    @property
    def me(self):
        return ("/plone/acl_users", TEST_USER_ID), TEST_USER_NAME
