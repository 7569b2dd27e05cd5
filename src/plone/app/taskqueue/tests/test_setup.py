"""Installing works, and uninstalling leaves nothing behind."""

from AccessControl.PermissionRole import rolesForPermissionOn
from plone.app.taskqueue.browserlayer import ITaskQueueLayer
from plone.app.testing import FunctionalTesting
from plone.app.testing import IntegrationTesting
from plone.app.testing import PLONE_FIXTURE
from plone.app.testing import PloneSandboxLayer
from plone.app.testing import SITE_OWNER_NAME
from plone.app.testing import SITE_OWNER_PASSWORD
from plone.base.utils import get_installer
from plone.browserlayer.utils import registered_layers
from plone.registry import field
from plone.registry import Record
from plone.registry.interfaces import IRegistry
from plone.testing.zope import Browser
from plone.testing.zope import WSGI_SERVER_FIXTURE
from zope.component import getSiteManager
from zope.component import getUtility

import contextlib
import transaction
import unittest


PRODUCT = "plone.app.taskqueue"
PROFILE = f"{PRODUCT}:default"


class AddOnLayer(PloneSandboxLayer):
    """A site beside which the package is loaded, but where it is not installed."""

    defaultBases = (PLONE_FIXTURE,)

    def setUpZope(self, app, configurationContext):
        import plone.app.taskqueue

        self.loadZCML(package=plone.app.taskqueue)


ADD_ON_FIXTURE = AddOnLayer()
ADD_ON_INTEGRATION_TESTING = IntegrationTesting(
    bases=(ADD_ON_FIXTURE,), name="AddOnLayer:Integration"
)
ADD_ON_FUNCTIONAL_TESTING = FunctionalTesting(
    bases=(ADD_ON_FIXTURE, WSGI_SERVER_FIXTURE), name="AddOnLayer:Functional"
)


def snapshot(portal) -> dict[str, object]:
    """Return all that an add-on may leave in a site, in comparable form."""
    site_manager = getSiteManager(portal)
    setup = portal.portal_setup
    return {
        "registry": {
            name: record.value for name, record in getUtility(IRegistry).records.items()
        },
        "control panel": sorted(
            (action.id, action.category, action.getActionExpression())
            for action in portal.portal_controlpanel.listActions()
        ),
        "actions": sorted(
            "/".join(action.getPhysicalPath())
            for category in portal.portal_actions.objectValues()
            for action in category.objectValues()
        ),
        "browser layers": sorted(layer.__identifier__ for layer in registered_layers()),
        "utilities": sorted(
            (repr(found.provided), found.name, type(found.component).__name__)
            for found in site_manager.registeredUtilities()
        ),
        "adapters": sorted(
            (repr(found.required), repr(found.provided), found.name)
            for found in site_manager.registeredAdapters()
        ),
        "subscribers": sorted(
            (repr(found.required), repr(found.provided))
            for found in site_manager.registeredSubscriptionAdapters()
        ),
        "handlers": sorted(
            (repr(found.required), repr(found.handler))
            for found in site_manager.registeredHandlers()
        ),
        "permissions": sorted(
            name for name in portal.__dict__ if name.endswith("_Permission")
        ),
        "tools and content": sorted(portal.objectIds()),
        "profiles": dict(setup._profile_upgrade_versions),
        "import steps": sorted(setup.getImportStepRegistry().listSteps()),
    }


class TestInstall(unittest.TestCase):
    layer = ADD_ON_INTEGRATION_TESTING

    def setUp(self):
        self.portal = self.layer["portal"]
        self.installer = get_installer(self.portal, self.layer["request"])

    def test_install(self):
        self.assertFalse(self.installer.is_product_installed(PRODUCT))
        self.assertNotIn(ITaskQueueLayer, registered_layers())
        self.installer.install_product(PRODUCT)
        self.assertTrue(self.installer.is_product_installed(PRODUCT))
        self.assertIn(ITaskQueueLayer, registered_layers())

    def test_new_installation_needs_no_upgrade(self):
        self.installer.install_product(PRODUCT)
        setup = self.portal.portal_setup
        self.assertEqual(setup.getLastVersionForProfile(PROFILE), ("1000",))
        self.assertEqual(setup.listUpgrades(PROFILE), [])

    def test_uninstall_leaves_no_trace(self):
        before = snapshot(self.portal)
        self.installer.install_product(PRODUCT)
        self.assertNotEqual(snapshot(self.portal), before)
        # A record that a later version no longer knows must go as well.
        getUtility(IRegistry).records["plone.app.taskqueue.forgotten"] = Record(
            field.TextLine(title="Forgotten"), "value"
        )
        self.installer.uninstall_product(PRODUCT)
        after = snapshot(self.portal)
        for part, found in before.items():
            with self.subTest(part):
                self.assertEqual(after[part], found)

    def test_install_again_after_uninstall(self):
        self.installer.install_product(PRODUCT)
        installed = snapshot(self.portal)
        self.installer.uninstall_product(PRODUCT)
        self.installer.install_product(PRODUCT)
        self.assertEqual(snapshot(self.portal), installed)

    def test_default_roles_of_permissions(self):
        for name in (
            "View jobs",
            "View job details",
            "Retry and cancel jobs",
            "Delete jobs",
            "Pause queues",
            "Manage cron jobs",
            "Manage settings",
        ):
            self.assertEqual(
                set(rolesForPermissionOn(f"plone.app.taskqueue: {name}", self.portal)),
                {"Manager", "Site Administrator"},
            )
        others = "plone.app.taskqueue: Run tasks as another user"
        self.assertEqual(set(rolesForPermissionOn(others, self.portal)), {"Manager"})
        view = "plone.app.taskqueue: View own jobs"
        self.assertEqual(
            set(rolesForPermissionOn(view, self.portal)), {"Authenticated"}
        )


class TestControlPanel(unittest.TestCase):
    layer = ADD_ON_FUNCTIONAL_TESTING

    def setUp(self):
        self.portal = self.layer["portal"]
        self.browser = Browser(self.layer["app"])
        self.browser.handleErrors = False
        self.browser.addHeader(
            "Authorization", f"Basic {SITE_OWNER_NAME}:{SITE_OWNER_PASSWORD}"
        )

    def is_installed(self) -> bool:
        transaction.begin()
        installer = get_installer(self.portal, self.layer["request"])
        return installer.is_product_installed(PRODUCT)

    def press(self, action: str, field: str) -> None:
        """Press our button in the add-ons control panel, as a person would."""
        control_panel = "prefs_install_products_form"
        self.browser.open(f"{self.portal.absolute_url()}/{control_panel}")
        buttons = [
            form
            for form in forms(self.browser)
            if form.action.endswith(f"/{action}")
            and form.getControl(name=field).value == PRODUCT
        ]
        self.assertEqual(len(buttons), 1)
        buttons[0].getControl(name="form.submitted").click()

    def test_install_and_uninstall(self):
        self.press("install_products", "install_product")
        self.assertTrue(self.is_installed())
        self.press("uninstall_products", "uninstall_product")
        self.assertFalse(self.is_installed())


def forms(browser) -> list:
    """Return all forms of a page; zope.testbrowser counts, but does not list them."""
    found = []
    with contextlib.suppress(LookupError):
        while True:
            found.append(browser.getForm(index=len(found)))
    return found
