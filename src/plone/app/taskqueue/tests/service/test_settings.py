"""Settings of a process: read from two places, refused with a remedy."""

from pathlib import Path
from plone.app.taskqueue.queue.place import installation
from plone.app.taskqueue.queue.place import set_installation
from plone.app.taskqueue.settings import _KINDS
from plone.app.taskqueue.settings import read_settings
from plone.app.taskqueue.settings import Settings
from plone.app.taskqueue.settings import SettingsError
from plone.app.taskqueue.startup import configure
from zope.processlifetime import DatabaseOpenedWithRoot

import pytest


def test_without_settings_one_thread_runs_jobs():
    settings = read_settings({}, {})
    assert settings == Settings()
    assert settings.threads == 1
    assert settings.retention_days == 7


def test_zope_conf_sets_them():
    settings = read_settings({"threads": "3", "lease-seconds": "90"}, {})
    assert (settings.threads, settings.lease_seconds) == (3, 90)


def test_the_environment_goes_before_zope_conf():
    environ = {"PLONE_APP_TASKQUEUE_LEASE_SECONDS": "30", "OTHER": "1"}
    assert read_settings({"lease-seconds": "90"}, environ).lease_seconds == 30


def test_jobs_can_be_kept_for_ever():
    assert read_settings({"retention-days": "never"}, {}).retention_days is None


def test_the_dispatcher_gets_its_part():
    options = read_settings({"threads": "3", "poll-seconds": "0.5"}, {}).options()
    assert (options.threads, options.poll_seconds) == (3, 0.5)


def test_a_setting_for_workers_is_for_them_alone_and_goes_before_the_other():
    section = {"threads": "0", "worker-threads": "4", "lease-seconds": "9"}
    assert read_settings(section, {}).threads == 0
    settings = read_settings(section, {}, worker=True)
    assert (settings.threads, settings.lease_seconds) == (4, 9)
    environ = {"PLONE_APP_TASKQUEUE_WORKER_THREADS": "5"}
    assert read_settings(section, environ, worker=True).threads == 5
    assert read_settings(section, environ).threads == 0
    chosen = read_settings(section, environ, worker=True, given={"threads": "6"})
    assert chosen.threads == 6


def test_what_keeps_web_servers_from_running_jobs_keeps_no_worker_from_it():
    settings = read_settings({"threads": "0"}, {}, worker=True)
    assert (settings.threads, settings.kill_seconds) == (1, 10)
    with pytest.raises(SettingsError, match="at least 1 thread"):
        read_settings({"worker-threads": "0"}, {}, worker=True)


@pytest.mark.parametrize(
    ("section", "environ", "words"),
    [
        ({"threads": "many"}, {}, ("threads in <product-config", "'many'", "whole")),
        ({"threads": "-1"}, {}, ("threads", "'-1'", "from 0, for none, to 100")),
        ({"threads": "1.5"}, {}, ("threads", "whole number")),
        ({"lease-seconds": "0"}, {}, ("lease-seconds", "from 1 to 86400")),
        ({"poll-seconds": "nan"}, {}, ("poll-seconds", "number of seconds")),
        ({"retention-days": "-7"}, {}, ("retention-days", "'never'")),
        ({"thread": "2"}, {}, ("no setting for thread", "did you mean threads?")),
        ({"worker-thread": "2"}, {}, ("for worker-thread", "did you mean threads?")),
        ({"worker-threads": "x"}, {}, ("worker-threads", "whole number")),
        ({"only": "a:b,convert"}, {}, ("only", "module:name")),
        ({"colour": "red"}, {}, ("no setting for colour", "known are threads")),
        ({"poll-seconds": "1e10"}, {}, ("poll-seconds", "to 86400")),
        ({"retention-days": "1e306"}, {}, ("retention-days", "to 36500", "'never'")),
        (
            {},
            {"PLONE_APP_TASKQUEUE_THREADS": "x"},
            ("environment variable PLONE_APP_TASKQUEUE_THREADS", "whole number"),
        ),
        (
            {},
            {"PLONE_APP_TASKQUEUE_POLLSECONDS": "1"},
            ("PLONE_APP_TASKQUEUE_POLLSECONDS", "did you mean poll-seconds?"),
        ),
    ],
)
def test_what_cannot_be_used_is_named_with_the_remedy(section, environ, words):
    with pytest.raises(SettingsError) as caught:
        read_settings(section, environ)
    for word in words:
        assert word in str(caught.value)


def test_an_empty_variable_is_one_that_is_not_set():
    assert read_settings({}, {"PLONE_APP_TASKQUEUE_THREADS": " "}) == Settings()


def test_a_variable_that_somebody_else_has_made_is_left_alone(caplog):
    name = "PLONE_APP_TASKQUEUE_SERVICE_HOST"
    assert read_settings({}, {name: "10.0.0.1"}) == Settings()
    assert f"{name} is left alone" in caplog.text


def test_every_setting_is_in_the_reference():
    page = Path(__file__).parents[6] / "docs" / "reference" / "settings.md"
    if not page.exists():
        # Installed from a wheel, which has no documentation.
        return
    text = page.read_text(encoding="utf-8")
    for name in _KINDS:
        assert f"| `{name.replace('_', '-')}` |" in text
        assert f"`PLONE_APP_TASKQUEUE_{name.upper()}`" in text


def test_the_name_of_the_installation_is_in_force_from_the_start(monkeypatch):
    monkeypatch.setenv("PLONE_APP_TASKQUEUE_INSTALLATION", " staging ")
    try:
        configure(DatabaseOpenedWithRoot(None))
        assert installation() == "staging"
        monkeypatch.delenv("PLONE_APP_TASKQUEUE_INSTALLATION")
        configure(DatabaseOpenedWithRoot(None))
        assert installation() == ""
    finally:
        set_installation("")
