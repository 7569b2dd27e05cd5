"""What a page of another site does with the cookies of somebody who has logged in."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer
from plone.app.taskqueue.tests import funcs

import pytest
import threading


#: A browser sends cookies there: another port is the same site to it, but not the same
#: origin.
_PAGE = """
<!DOCTYPE html>
<title>Kittens</title>
<link rel="icon" href="data:,">
<form method="post"><input name="{" value="}"><button>Win a prize</button></form>
"""

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain")
#: What scripts send to other sites, and the status that it gets.  JSON that is sent
#: without asking loses its content type on the way; the beacon asks first.
SCRIPTS = {
    "fetch(url, {method, mode, credentials})": 403,
    "fetch(url, {method, mode, credentials, body: '{}'})": 415,
    "fetch(url, {method, mode, credentials, body: new URLSearchParams('a=b')})": 415,
    "fetch(url, {method, mode, credentials, body: json})": 415,
    "fetch(url.replace('/++api++', ''),"
    " {method, mode, credentials, headers: {Accept: 'application/json'}})": 403,
    "navigator.sendBeacon(url, json)": None,
}


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(_PAGE.encode())

    def log_message(self, *args):
        pass


@contextmanager
def other_site() -> Iterator[str]:
    """Serve a page that nobody should have opened; yield its address."""
    with ThreadingHTTPServer(("localhost", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://localhost:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def page(browser):
    """A page of a Manager, who may do everything."""
    browser.expect_status(403, 404, 415)
    yield browser.login("manager")
    # Refusals, of which the console tells.
    browser.noise.clear()


def states(site, page):
    page.goto("/Plone/@@my-jobs")
    script = "url => fetch(url).then(answer => answer.json())"
    found = page.evaluate(script, f"{site.url}/++api++/@jobs")
    return {job["@id"]: job["state"] for job in found["items"]}


def test_pages_of_other_sites_change_nothing(site, page):
    site.queue(funcs.addNumbers, 1, 2, user="manager")
    before = states(site, page)
    (url,) = before
    cancel = f"{url.replace('/@jobs', '/++api++/@jobs')}/cancel"
    sent = []
    page.on("request", lambda request: sent.append(request))
    with other_site() as evil:
        for enctype in FORMS:
            page.goto(evil)
            page.evaluate(
                "([url, enctype]) => Object.assign(document.forms[0],"
                " {action: url, enctype})",
                [cancel, enctype],
            )
            page.get_by_role("button").click()
            page.wait_for_url(cancel)
        page.goto(evil)
        for script in SCRIPTS:
            # Some fail in the browser as well.
            page.evaluate(
                "async url => { const method = 'POST', mode = 'no-cors',"
                " credentials = 'include',"
                " json = new Blob(['{}'], {type: 'application/json'});"
                f" try {{ await {script} }} catch (error) {{}} }}",
                cancel,
            )
    assert states(site, page) == before
    # It is not for want of cookies.
    posts = [each for each in sent if each.method == "POST"]
    answers = [each.response() for each in posts]
    assert [each and each.status for each in answers] == [415] * 3 + [*SCRIPTS.values()]
    # It is not for want of cookies.
    for each in posts[:3]:
        assert "__ac=" in each.all_headers()["cookie"]
    # On a page of the site itself it works.
    answer = page.evaluate(
        "url => fetch(url, {method: 'POST'}).then(answer => answer.status)", cancel
    )
    assert answer == 200
    assert states(site, page) == {url: "cancelled"}
