"""The fixture: a Plone site with the package installed, and its integration layer."""

from plone.app.taskqueue import clock
from plone.app.testing import IntegrationTesting
from plone.app.testing import login
from plone.app.testing import PLONE_FIXTURE
from plone.app.testing import PloneSandboxLayer
from plone.app.testing import setRoles
from plone.app.testing import TEST_USER_ID
from plone.app.testing import TEST_USER_NAME


class TaskQueueFixture(PloneSandboxLayer):
    """The package installed, documents with a workflow, and ``test-folder``.

    The folder belongs to the test user, who is a mere member.
    """

    defaultBases = (PLONE_FIXTURE,)

    def setUpZope(self, app, configurationContext):
        import plone.app.taskqueue

        self.loadZCML(package=plone.app.taskqueue)

    def setUpPloneSite(self, portal):
        self.applyProfile(portal, "plone.app.taskqueue:default")
        portal.portal_workflow.setDefaultChain("simple_publication_workflow")
        setRoles(portal, TEST_USER_ID, ["Manager"])
        login(portal, TEST_USER_NAME)
        portal.invokeFactory("Folder", "test-folder", title="Test folder")
        setRoles(portal, TEST_USER_ID, ["Member"])


class TestFolder:
    """What both kinds of layers give to a test."""

    def testSetUp(self):
        super().testSetUp()
        self["test-folder"] = self["portal"]["test-folder"]

    def testTearDown(self):
        clock.reset()
        del self["test-folder"]
        super().testTearDown()

    def login(self):
        """Log in the test user: a member who owns ``test-folder``."""
        login(self["portal"], TEST_USER_NAME)


class TaskQueueIntegrationTesting(TestFolder, IntegrationTesting):
    """One transaction per test, never committed: jobs are queued and do not run."""


PLONE_APP_TASKQUEUE_FIXTURE = TaskQueueFixture()

PLONE_APP_TASKQUEUE_INTEGRATION_TESTING = TaskQueueIntegrationTesting(
    bases=(PLONE_APP_TASKQUEUE_FIXTURE,), name="TaskQueue:Integration"
)
