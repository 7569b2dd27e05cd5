"""A job has a request of its own, which looks like the one that queued it."""

from plone.app.taskqueue.environment import capture
from plone.app.taskqueue.environment.surroundings import Surroundings
from plone.app.taskqueue.tests.environment.base import EnvironmentTestCase
from plone.app.taskqueue.tests.environment.base import Job
from plone.app.taskqueue.tests.environment.base import run
from plone.browserlayer.utils import register_layer
from plone.i18n.interfaces import ILanguageUtility
from plone.i18n.utility import setLanguageBinding
from plone.memoize.view import memoize_contextless
from plone.registry.interfaces import IRegistry
from plone.rest.interfaces import IAPIRequest
from zope.annotation.interfaces import IAnnotations
from zope.component import getMultiAdapter
from zope.component import getUtility
from zope.globalrequest import clearRequest
from zope.globalrequest import getRequest
from zope.i18n import translate
from zope.i18nmessageid import MessageFactory
from zope.interface import alsoProvides
from zope.interface import directlyProvidedBy
from zope.interface import Interface
from zope.publisher.interfaces.browser import IBrowserRequest
from zope.publisher.skinnable import setDefaultSkin
from ZPublisher.BaseRequest import RequestContainer

import pickle
import transaction


class IAddOnLayer(Interface):
    """The layer of an installed add-on."""


class IMarkedLayer(Interface):
    """A layer that something has marked on this request alone."""


def url(context):
    return context.absolute_url()


def language(context):
    request = getRequest()
    return (
        request["LANGUAGE"],
        getUtility(ILanguageUtility).getPreferredLanguage(),
        translate(MessageFactory("plone")("Yes"), context=request),
    )


def speak(request, code):
    """Bind a language as the negotiation does."""
    request["LANGUAGE_TOOL"].LANGUAGE = request["LANGUAGE"] = code


def layers(context):
    return [layer.__name__ for layer in directlyProvidedBy(getRequest())]


def skin(context):
    return context.getCurrentSkinName()


class TestTheRequest(EnvironmentTestCase):
    def test_it_is_the_global_and_the_acquired_request(self):
        def same(context):
            return (
                context.REQUEST is getRequest(),
                IBrowserRequest.providedBy(getRequest()),
            )

        self.assertEqual(self.run_on(self.folder, same), (True, True))

    def test_views_can_be_looked_up_and_called(self):
        def view(context):
            state = getMultiAdapter((context, getRequest()), name="plone_context_state")
            portal = getMultiAdapter((context, getRequest()), name="plone_portal_state")
            return state.object_url(), portal.portal_url(), state.current_base_url()

        self.assertEqual(
            self.run_on(self.folder, view),
            (
                "http://nohost/plone/test-folder",
                "http://nohost/plone",
                "http://nohost/plone/test-folder",
            ),
        )

    def test_the_parents_lead_from_the_context_to_the_application(self):
        def parents(context):
            return [parent.getId() for parent in getRequest()["PARENTS"]]

        self.assertEqual(
            self.run_on(self.folder, parents), ["test-folder", "plone", ""]
        )

    def test_the_request_knows_the_user(self):
        def user(context):
            return getRequest()["AUTHENTICATED_USER"].getId()

        self.assertEqual(self.run_on(self.folder, user), "test_user_1_")

    def test_a_whole_page_can_be_rendered(self):
        document = self.add(self.folder, "Document", "doc", title="Rendered by a job")
        page = self.run_on(document, lambda context: context())
        self.assertIn("Rendered by a job", page)
        self.assertIn("http://nohost/plone", page)

    def test_a_page_can_be_served_by_the_rest_api_serializer(self):
        from plone.restapi.interfaces import ISerializeToJson

        def serialize(context):
            return getMultiAdapter((context, getRequest()), ISerializeToJson)()["@id"]

        self.assertEqual(
            self.run_on(self.folder, serialize), "http://nohost/plone/test-folder"
        )

    def test_nothing_secret_is_captured(self):
        self.request.environ["HTTP_COOKIE"] = "a=tell-no-one"
        self.request.environ["HTTP_AUTHORIZATION"] = "Basic tell-no-one"
        self.request.cookies["__ac"] = "tell-no-one"
        self.request.form["password"] = "tell-no-one"
        self.request._auth = "Basic tell-no-one"
        self.request.other["SERVER_URL"] = "https://me:tell-no-one@example.org"
        captured = capture(self.folder)
        self.assertNotIn("tell-no-one", repr(captured))
        self.assertIn("https://example.org", captured[3])
        self.assertNotIn("Owner", repr(captured))

    def test_usual_surroundings_are_small(self):
        document = self.add(self.folder, "Document", "doc")
        self.request["LANGUAGE"] = "en"
        size = len(pickle.dumps(capture(document), 5))
        self.assertLess(size, 160)

    def test_surroundings_of_a_later_version_can_be_read(self):
        surroundings = Surroundings("/plone", ("", None, None))
        self.assertEqual(
            Surroundings.unpack((*surroundings, "from the future")), surroundings
        )


class TestTheAddress(EnvironmentTestCase):
    def test_urls_are_those_of_the_virtual_host(self):
        self.request.setServerURL("https", "www.example.org", 443)
        self.request.other["VirtualRootPhysicalPath"] = ("", "plone")
        self.assertEqual(
            self.run_on(self.folder, url), "https://www.example.org/test-folder"
        )

    def test_urls_have_the_path_in_front_of_the_virtual_root(self):
        self.request.setServerURL("https", "example.org", 8443)
        self.request.other["PARENTS"] = [self.portal]
        self.request.setVirtualRoot(["intra net"])
        self.assertEqual(
            self.run_on(self.folder, url),
            "https://example.org:8443/intra%20net/test-folder",
        )

    def test_every_url_of_the_request_is_that_of_the_virtual_host(self):
        def urls(context):
            request = getRequest()
            return [
                request["URL"],
                request["ACTUAL_URL"],
                request["SERVER_URL"],
                request["URL1"],
                request["BASE1"],
            ]

        self.request.setServerURL("https", "www.example.org", 443)
        self.request.other["VirtualRootPhysicalPath"] = ("", "plone")
        self.assertEqual(
            self.run_on(self.folder, urls),
            [
                "https://www.example.org/test-folder",
                "https://www.example.org/test-folder",
                "https://www.example.org",
                "https://www.example.org",
                "https://www.example.org",
            ],
        )

    def test_a_job_queued_without_a_request_has_urls_on_localhost(self):
        clearRequest()
        context = self.folder.aq_base.__of__(
            self.portal.aq_base.__of__(self.app.aq_base)
        )
        self.assertEqual(
            self.run_on(context, url), "http://localhost/plone/test-folder"
        )


class TestTheLanguage(EnvironmentTestCase):
    def setUp(self):
        super().setUp()
        registry = getUtility(IRegistry)
        registry["plone.available_languages"] = ["en", "de"]

    def test_the_language_is_that_of_the_request_that_queued_the_job(self):
        speak(self.request, "de")
        self.assertEqual(self.run_on(self.folder, language), ("de", "de", "Ja"))

    def test_the_language_bound_by_negotiation_is_captured(self):
        registry = getUtility(IRegistry)
        registry["plone.use_request_negotiation"] = True
        self.request.environ["HTTP_ACCEPT_LANGUAGE"] = "de"
        setLanguageBinding(self.request)
        self.assertEqual(self.run_on(self.folder, language), ("de", "de", "Ja"))

    def test_without_a_request_it_is_the_default_of_the_site(self):
        getUtility(IRegistry)["plone.default_language"] = "de"
        clearRequest()
        context = self.folder.aq_base.__of__(
            self.portal.aq_base.__of__(self.app.aq_base)
        )
        self.assertEqual(self.run_on(context, language), ("de", "de", "Ja"))

    def test_the_locale_of_the_request_is_that_of_the_language(self):
        speak(self.request, "de")

        def locale(context):
            return getRequest().locale.id.language

        self.assertEqual(self.run_on(self.folder, locale), "de")

    def test_the_language_of_a_job_does_not_reach_the_next_job(self):
        speak(self.request, "de")
        german = Job(capture(self.folder), language)
        speak(self.request, "en")
        english = Job(capture(self.folder), language)
        transaction.commit()
        self.assertEqual(
            [outcome[0] for outcome in run(self.database, german, english, german)],
            ["de", "en", "de"],
        )


class TestSkinAndLayers(EnvironmentTestCase):
    def setUp(self):
        super().setUp()
        tool = self.portal.portal_skins
        tool.addSkinSelection("Other", tool.getSkinPath("Plone Default"))

    def test_the_default_skin_is_set(self):
        self.assertEqual(
            self.run_on(self.folder, skin), self.portal.portal_skins.getDefaultSkin()
        )

    def test_the_default_skin_is_that_of_the_moment_of_running(self):
        surroundings = capture(self.folder)
        self.portal.portal_skins.default_skin = "Other"
        self.assertEqual(self.run_later(surroundings, skin), "Other")

    def test_another_skin_is_restored(self):
        self.portal.changeSkin("Other", self.request)
        self.assertEqual(self.run_on(self.folder, skin), "Other")

    def test_a_skin_that_has_vanished_becomes_the_default_skin(self):
        self.portal.changeSkin("Other", self.request)
        surroundings = capture(self.folder)
        self.portal.portal_skins.manage_skinLayers(["Other"], del_skin=1)
        self.assertEqual(self.run_later(surroundings, url)[:4], "http")

    def test_the_skin_of_a_job_does_not_reach_the_next_job(self):
        usual = capture(self.folder)
        self.portal.changeSkin("Other", self.request)
        other = capture(self.folder)
        transaction.commit()
        default = self.portal.portal_skins.getDefaultSkin()
        self.assertEqual(
            run(self.database, Job(other, skin), Job(usual, skin), Job(other, skin)),
            ["Other", default, "Other"],
        )

    def test_what_cmf_caches_beside_the_skin_does_not_reach_the_next_job(self):
        from _thread import get_ident
        from Products.CMFCore.Skinnable import SKINDATA

        def poison(context):
            SKINDATA[get_ident()][3]["poisoned"] = "yes"
            return getattr(context.aq_parent.aq_base, "poisoned", None)

        def look(context):
            return getattr(context.aq_parent.aq_base, "poisoned", None)

        surroundings = capture(self.folder)
        transaction.commit()
        self.assertEqual(
            run(self.database, Job(surroundings, poison), Job(surroundings, look)),
            ["yes", None],
        )

    def test_the_layers_of_the_site_are_those_that_the_publisher_sets(self):
        register_layer(IAddOnLayer, "add-on")
        transaction.commit()
        request = self.request.clone()
        setDefaultSkin(request)
        application = self.app.aq_base.__of__(RequestContainer(REQUEST=request))
        request["PARENTS"] = [application]
        self.portal.clearCurrentSkin()
        request.traverse("/plone")
        expected = [layer.__name__ for layer in directlyProvidedBy(request)]
        self.assertEqual(
            set(self.run_on(self.folder, layers)), set(expected) - {"IAPIRequest"}
        )

    def test_usual_layers_are_not_captured(self):
        register_layer(IAddOnLayer, "add-on")
        alsoProvides(self.request, IAddOnLayer)
        self.assertEqual(Surroundings.unpack(capture(self.folder)).layers, ())

    def test_the_layer_of_an_add_on_installed_after_queueing_is_set(self):
        surroundings = capture(self.folder)
        register_layer(IAddOnLayer, "add-on")
        self.assertIn("IAddOnLayer", self.run_later(surroundings, layers))

    def test_the_layers_of_the_site_are_set_without_a_request(self):
        with_request = self.run_on(self.folder, layers)
        clearRequest()
        self.assertEqual(self.run_on(self.folder, layers), with_request)
        self.assertIn("IDefaultBrowserLayer", with_request)
        self.assertIn("IPloneFormLayer", with_request)

    def test_layers_marked_on_the_request_are_restored(self):
        alsoProvides(self.request, IMarkedLayer, IAPIRequest)
        names = self.run_on(self.folder, layers)
        self.assertIn("IMarkedLayer", names)
        self.assertIn("IAPIRequest", names)

    def test_a_layer_whose_package_has_vanished_is_left_out_and_logged(self):
        surroundings = Surroundings.unpack(capture(self.folder))
        surroundings = surroundings._replace(layers=("gone.package.ILayer",))
        with self.assertLogs("plone.app.taskqueue", "WARNING") as logs:
            names = self.run_later(surroundings.pack(), layers)
        self.assertNotIn("ILayer", names)
        self.assertIn("gone.package.ILayer", logs.output[0])

    def test_the_layers_of_a_job_do_not_reach_the_next_job(self):
        usual = capture(self.folder)
        alsoProvides(self.request, IMarkedLayer)
        marked = capture(self.folder)
        transaction.commit()

        def has(context):
            marked_now = IMarkedLayer.providedBy(getRequest())
            alsoProvides(getRequest(), IAddOnLayer)
            return marked_now

        def dirty(context):
            return IAddOnLayer.providedBy(getRequest())

        self.assertEqual(
            run(
                self.database,
                Job(marked, has),
                Job(usual, has),
                Job(marked, has),
                Job(marked, dirty),
            ),
            [True, False, True, False],
        )


class View:
    """Something with plone.memoize's per-request cache."""

    def __init__(self, context):
        self.context = context
        self.request = context.REQUEST

    @memoize_contextless
    def cached(self, value=None):
        return self.context.title


class TestTheRequestDoesNotLeak(EnvironmentTestCase):
    def test_each_job_has_a_request_of_its_own(self):
        def mark(context):
            request = getRequest()
            before = (
                request.get("mark"),
                request.form.get("mark"),
                dict(IAnnotations(request)),
                getattr(request, "mark", None),
            )
            request["mark"] = request.form["mark"] = request.mark = "left"
            IAnnotations(request)["mark"] = "left"
            request.response.setHeader("X-Mark", "left")
            return before

        surroundings = capture(self.folder)
        transaction.commit()
        clean = (None, None, {}, None)
        self.assertEqual(
            run(self.database, *(Job(surroundings, mark) for _ in range(3))),
            [clean, clean, clean],
        )

    def test_what_a_view_has_memoized_is_not_seen_by_the_next_job(self):
        def rename(context):
            cached = View(context).cached()
            context.title = "Changed by a job"
            return cached

        def read(context):
            return View(context).cached()

        surroundings = capture(self.folder)
        transaction.commit()
        self.assertEqual(
            run(self.database, Job(surroundings, rename), Job(surroundings, read)),
            ["Test folder", "Changed by a job"],
        )

    def test_the_request_is_closed_so_that_subscribers_hear_of_its_end(self):
        from zope.component import getGlobalSiteManager
        from zope.publisher.interfaces import IEndRequestEvent

        ended = []

        def hear(event):
            ended.append(event.request)

        registry = getGlobalSiteManager()
        registry.registerHandler(hear, (IEndRequestEvent,))
        self.addCleanup(registry.unregisterHandler, hear, (IEndRequestEvent,))
        self.run_on(self.folder, url)
        self.assertEqual(len(ended), 1)

    def test_a_subscriber_that_raises_does_not_keep_the_thread_from_being_reset(self):
        from zope.component import getGlobalSiteManager
        from zope.publisher.interfaces import IEndRequestEvent

        def fail(event):
            raise RuntimeError("at the end of the request")

        registry = getGlobalSiteManager()
        registry.registerHandler(fail, (IEndRequestEvent,))
        self.addCleanup(registry.unregisterHandler, fail, (IEndRequestEvent,))
        with self.assertLogs("plone.app.taskqueue", "ERROR"):
            self.assertEqual(
                self.run_on(self.folder, url), "http://nohost/plone/test-folder"
            )
