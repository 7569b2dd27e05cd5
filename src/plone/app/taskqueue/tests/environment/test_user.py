"""The job runs as the user who queued it, with the rights of the moment of running."""

from AccessControl import getSecurityManager
from AccessControl.SecurityManagement import newSecurityManager
from AccessControl.users import emergency_user
from AccessControl.users import system
from AccessControl.users import UnrestrictedUser
from plone import api
from plone.app.taskqueue.environment import capture
from plone.app.taskqueue.tests.environment.base import EnvironmentTestCase
from plone.app.taskqueue.tests.environment.base import Job
from plone.app.taskqueue.tests.environment.base import run
from plone.app.testing import logout
from plone.app.testing import setRoles
from plone.app.testing import SITE_OWNER_NAME
from plone.app.testing import TEST_USER_ID
from plone.testing.zope import login
from Products.PluggableAuthService.PluggableAuthService import PluggableAuthService
from zExceptions import BadRequest
from zExceptions import Unauthorized

import transaction


def who(context):
    user = getSecurityManager().getUser()
    return user.getId(), "/".join(user.aq_parent.getPhysicalPath())


def roles(context):
    return set(getSecurityManager().getUser().getRolesInContext(context))


def add_document(context):
    return context.invokeFactory("Document", "made-by-job")


def grant_myself_manager(context):
    getSecurityManager().getUser()._roles["Manager"] = 1
    return roles(context)


class StandIn(UnrestrictedUser):
    """As code in the field makes it to have more powers for a while."""

    def getId(self):
        return self.getUserName()


class TestTheUser(EnvironmentTestCase):
    def test_the_job_runs_as_the_user_who_queued_it(self):
        self.assertEqual(
            self.run_on(self.folder, who), (TEST_USER_ID, "/plone/acl_users")
        )

    def test_the_membership_tool_knows_the_user(self):
        def member(context):
            return api.user.get_current().getId(), api.user.is_anonymous()

        self.assertEqual(self.run_on(self.folder, member), (TEST_USER_ID, False))

    def test_the_user_may_do_what_the_user_may_do(self):
        self.assertEqual(self.run_on(self.folder, add_document), "made-by-job")

    def test_the_user_may_not_do_more_in_a_job_than_elsewhere(self):
        self.assertIsInstance(self.run_on(self.portal, add_document), Unauthorized)

    def test_an_emergency_user_of_that_name_is_not_the_user(self):
        surroundings = capture(self.folder)
        service = PluggableAuthService
        self.addCleanup(setattr, service, "_emergency_user", service._emergency_user)
        service._emergency_user = UnrestrictedUser(TEST_USER_ID, "x", ("manage",), [])
        (result,) = run(self.database, Job(surroundings, who))
        self.assertIsInstance(result, BadRequest)
        self.assertIn(f"User {TEST_USER_ID} not found", str(result))

    def stand_in(self, name):
        """Be somebody with all powers who goes by that name in the site."""
        user = StandIn(name, "", ["Manager"], [])
        newSecurityManager(None, user.__of__(self.portal.acl_users))

    def test_a_stand_in_stands_for_the_user_of_its_id_where_that_user_is(self):
        self.stand_in(SITE_OWNER_NAME)
        self.assertEqual(self.run_on(self.folder, who), (SITE_OWNER_NAME, "/acl_users"))
        self.stand_in(TEST_USER_ID)
        self.assertEqual(
            self.run_on(self.folder, who), (TEST_USER_ID, "/plone/acl_users")
        )

    def test_a_stand_in_for_one_of_two_users_is_refused(self):
        add = self.portal.acl_users.userFolderAddUser
        add(SITE_OWNER_NAME, "Secret-0-x", ["Member"], [])
        self.stand_in(SITE_OWNER_NAME)
        with self.assertRaisesRegex(ValueError, "2 user folders have somebody"):
            capture(self.folder)

    def test_roles_granted_after_queueing_count(self):
        surroundings = capture(self.portal)
        setRoles(self.portal, TEST_USER_ID, ["Manager"])
        self.assertIn("Manager", self.run_later(surroundings, roles))

    def test_roles_taken_away_after_queueing_are_gone(self):
        setRoles(self.portal, TEST_USER_ID, ["Manager"])
        surroundings = capture(self.portal)
        setRoles(self.portal, TEST_USER_ID, ["Member"])
        self.assertNotIn("Manager", self.run_later(surroundings, roles))

    def test_local_roles_are_those_of_the_moment_of_running(self):
        surroundings = capture(self.folder)
        self.folder.manage_delLocalRoles([TEST_USER_ID])
        self.assertIsInstance(self.run_later(surroundings, add_document), Unauthorized)

    def test_a_deleted_user_fails_the_job(self):
        surroundings = capture(self.folder)
        self.portal.acl_users.source_users.removeUser(TEST_USER_ID)
        outcome = self.run_later(surroundings, who)
        self.assertIsInstance(outcome, BadRequest)
        self.assert_fails(outcome, f"User {TEST_USER_ID} not found")

    def test_a_vanished_user_folder_fails_the_job(self):
        surroundings = list(capture(self.folder))
        surroundings[2] = ("/gone/acl_users", "somebody")
        outcome = self.run_later(tuple(surroundings), who)
        self.assert_fails(outcome, "Userfolder path /gone/acl_users not found")

    def test_a_user_folder_higher_up_is_never_acquired(self):
        surroundings = list(capture(self.folder))
        surroundings[2] = ("/plone/test-folder/acl_users", TEST_USER_ID)
        outcome = self.run_later(tuple(surroundings), who)
        self.assert_fails(
            outcome, "Userfolder path /plone/test-folder/acl_users not found"
        )

    def test_an_administrator_of_the_root_is_the_user(self):
        login(self.app["acl_users"], SITE_OWNER_NAME)
        self.assertEqual(self.run_on(self.folder, who), (SITE_OWNER_NAME, "/acl_users"))

    def test_an_administrator_of_the_root_keeps_the_rights(self):
        login(self.app["acl_users"], SITE_OWNER_NAME)
        self.assertEqual(self.run_on(self.portal, add_document), "made-by-job")

    def test_anonymous_stays_anonymous(self):
        logout()
        self.assertEqual(self.run_on(self.portal, roles), {"Anonymous"})

    def test_the_system_user_is_anonymous_when_the_job_runs(self):
        newSecurityManager(None, system)
        self.assertEqual(self.run_on(self.portal, roles), {"Anonymous"})

    def test_the_emergency_user_is_anonymous_when_the_job_runs(self):
        newSecurityManager(None, emergency_user.__of__(self.portal.acl_users))
        self.assertEqual(self.run_on(self.portal, roles), {"Anonymous"})

    def test_borrowed_roles_are_not_kept(self):
        with api.env.adopt_roles(["Manager"]):
            surroundings = capture(self.portal)
        self.assertEqual(
            self.run_later(surroundings, who), (TEST_USER_ID, "/plone/acl_users")
        )
        self.assertNotIn("Manager", self.run_later(surroundings, roles))

    def test_a_user_without_a_user_folder_is_refused_at_once(self):
        user = self.portal.acl_users.getUserById(TEST_USER_ID)
        newSecurityManager(None, user.aq_base)
        with self.assertRaisesRegex(ValueError, "acl_users"):
            capture(self.folder)


class TestTheUserDoesNotLeak(EnvironmentTestCase):
    def test_the_next_job_runs_as_its_own_user(self):
        first = Job(capture(self.folder), who)
        login(self.app["acl_users"], SITE_OWNER_NAME)
        second = Job(capture(self.folder), who)
        logout()
        third = Job(capture(self.folder), roles)
        transaction.commit()
        self.assertEqual(
            run(self.database, first, second, third),
            [
                (TEST_USER_ID, "/plone/acl_users"),
                (SITE_OWNER_NAME, "/acl_users"),
                {"Anonymous"},
            ],
        )

    def test_roles_that_a_job_gives_itself_do_not_reach_the_next_job(self):
        surroundings = capture(self.portal)
        transaction.commit()
        greedy, modest = run(
            self.database,
            Job(surroundings, grant_myself_manager),
            Job(surroundings, roles),
        )
        self.assertIn("Manager", greedy)
        self.assertNotIn("Manager", modest)

    def test_a_user_that_a_job_becomes_does_not_reach_the_next_job(self):
        def become_admin(context):
            login(context.getPhysicalRoot().acl_users, SITE_OWNER_NAME)
            return who(context)

        surroundings = capture(self.portal)
        transaction.commit()
        outcomes = run(
            self.database, Job(surroundings, become_admin), Job(surroundings, who)
        )
        self.assertEqual(
            outcomes,
            [(SITE_OWNER_NAME, "/acl_users"), (TEST_USER_ID, "/plone/acl_users")],
        )

    def test_a_job_whose_user_is_gone_leaves_nobody_behind(self):
        surroundings = capture(self.folder)
        lost = list(surroundings)
        lost[2] = "nobody-at-all"
        login(self.app["acl_users"], SITE_OWNER_NAME)
        admin = capture(self.folder)
        transaction.commit()
        outcomes = run(
            self.database,
            Job(admin, who),
            Job(tuple(lost), who),
            Job(None, lambda: getSecurityManager().getUser().getUserName()),
        )
        self.assert_fails(outcomes[1], "User nobody-at-all not found")
        self.assertEqual(outcomes[2], "Anonymous User")
