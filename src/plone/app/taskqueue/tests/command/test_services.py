"""Commands for task services: through the real script, on a real ZEO server."""

from datetime import datetime
from plone.app.taskqueue.interfaces import ITask
from plone.app.taskqueue.tests.command.sites import add_site
from plone.app.taskqueue.tests.command.sites import add_tasks
from plone.app.taskqueue.tests.command.sites import service_in
from plone.app.taskqueue.tests.command.test_commands import say
from plone.app.taskqueue.tests.service.tasks import echo
from plone.app.taskqueue.tests.service.tasks import provide_task
from plone.app.taskqueue.tests.service.test_autostart import PLONE_SCRIPT
from plone.app.taskqueue.tests.service.test_autostart import PLONE_ZCML
from plone.app.taskqueue.tests.worker.instance import COMMAND
from plone.app.taskqueue.tests.worker.instance import environ
from zope.component import getGlobalSiteManager

import json
import pytest
import signal
import subprocess
import sys


@pytest.fixture
def site(instance):
    """The instance, with a site that has a service."""
    add_tasks(instance)
    add_site(instance)
    return instance


def path_of(instance, name="site"):
    with service_in(instance, name) as service:
        return "/".join(["", *service.getServicePath()])


def add_cron_job(instance, name="site", **options):
    with service_in(instance, name) as service:
        return service.addCronJob("greet", {"name": "you"}, **options)


def test_a_task_is_queued_by_its_name_and_its_outcome_waited_for(site):
    with site.worker("--services", "site@Tasks") as worker:
        worker.read_until("service Tasks on site site started")
        given = json.dumps({"name": "you", "times": 2})
        told = say(site, "run", "greet", "--input", given, "--wait")
        assert (told["status"], told["output"]) == ("completed", ["hello you"] * 2)
        assert told["service"] == path_of(site)
        given = json.dumps({"name": "nobody"})
        told = say(site, "run", "greet", "--input", given, "--wait", status=1)
        assert (told["status"], told["error"]) == ("error", "there is nobody")
        worker.signal(signal.SIGTERM)
        assert worker.end() == 0


def test_without_waiting_the_job_is_left_to_workers_and_nothing_else_runs_it(site):
    done = site.run("run", "greet", "--input", '{"name": "you"}', "-C", "zope.conf")
    assert (done.returncode, done.stderr) == (0, "")
    with service_in(site) as service:
        [job] = service.jobs.values()
        assert done.stdout == f"Job {job.id} is queued in {path_of(site)}.\n"
        assert job.status == "queued"
        assert list(service._queue.leases) == []


def test_a_wait_has_an_end_and_leaves_the_job_alone(site):
    arguments = ("run", "greet", "--input", '{"name": "you"}', "-C", "zope.conf")
    done = site.run(*arguments, "--wait", "--timeout", "0.1")
    assert (done.returncode, done.stdout) == (124, "")
    alone, said = done.stderr.splitlines()
    assert "No worker runs" in alone
    with service_in(site) as service:
        [job] = service.jobs.values()
        assert job.status == "queued"
    goes_on = f"job {job.id} in {path_of(site)} goes on without it."
    assert said == f"taskqueue: There was no outcome within 0.1 seconds; {goes_on}"
    done = site.run(*arguments, "--timeout", "1")
    assert done.returncode == 1
    assert "give it with --wait" in done.stderr


def test_ctrl_c_ends_a_wait_with_a_line(site):
    command = [*COMMAND, "run", "greet", "--input", '{"name": "you"}', "--wait"]
    waiting = subprocess.Popen(
        [*command, "-C", "zope.conf"],
        stderr=subprocess.PIPE,
        text=True,
        cwd=site.folder,
        env=environ(),
    )
    with waiting:
        # It says so when it has queued the job.
        assert "No worker runs" in waiting.stderr.readline()
        waiting.send_signal(signal.SIGINT)
        assert "The wait was interrupted; job " in waiting.stderr.read()
        assert waiting.wait(60) == 130


def test_what_is_wrong_with_an_input_is_told_field_by_field(site):
    given = json.dumps({"times": 0, "nme": "you"})
    done = site.run("run", "greet", "--input", given, "-C", "zope.conf")
    assert (done.returncode, done.stdout) == (1, "")
    first, *fields = done.stderr.splitlines()
    assert first.startswith("taskqueue: The input of task 'greet' cannot be used")
    assert [line.partition(":")[0] for line in sorted(fields)] == [
        "name",
        "nme",
        "times",
    ]
    with service_in(site) as service:
        assert list(service.jobs) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "gret"), "did you mean greet?"),
        (("run", "greet", "--input", "{"), "--input cannot be used"),
        (("run", "greet", "--service", "/nowhere"), "no task service /nowhere"),
        (("run", "greet", "--context", "/gone"), "There is no object at /gone"),
        (("cron", "next", "77"), "There is no cron job 77"),
        (("cron", "run", "77", "--service", "/nowhere"), "no task service /nowhere"),
    ],
)
def test_what_is_not_there_is_one_line(site, arguments, words):
    done = site.run(*arguments, "-C", "zope.conf")
    assert (done.returncode, done.stdout) == (1, "")
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_services_are_listed_with_their_jobs(site):
    add_site(site, "other")
    say(site, "run", "greet", "--input", '{"name": "you"}', "--service", path_of(site))
    other, mine = say(site, "services", "list")
    assert (other["path"], mine["path"]) == (path_of(site, "other"), path_of(site))
    assert mine["jobs"]["pending"] == 1
    done = site.run("run", "greet", "-C", "zope.conf")
    assert "Say with --service which task service is meant" in done.stderr


def test_cron_jobs_are_listed_in_words_with_their_times_in_their_zone(site):
    number = add_cron_job(site, crontab="30 4 * * *", timezone="Europe/Berlin")
    [job] = say(site, "cron", "list")
    assert (job["id"], job["task"], job["enabled"]) == (number, "greet", True)
    assert "04:30" in job["description"]
    assert job["outcome"] is None
    shown = say(site, "cron", "next", str(number), "--count", "3")
    times = [datetime.fromisoformat(each) for each in shown["next"]]
    assert [(each.hour, each.minute) for each in times] == [(4, 30)] * 3
    assert times == sorted(set(times))
    assert times[0].utcoffset()
    done = site.run("cron", "list", "-C", "zope.conf")
    assert (done.returncode, done.stderr) == (0, "")
    assert shown["next"][0] in done.stdout


def test_a_cron_job_is_disabled_and_enabled_and_run_at_once(site):
    number = str(add_cron_job(site, crontab="@yearly"))
    assert say(site, "cron", "disable", number)[0]["changed"] is True
    assert say(site, "cron", "disable", number)[0]["changed"] is False
    [job] = say(site, "cron", "list")
    assert (job["enabled"], job["next"]) == (False, [])
    assert say(site, "cron", "enable", number)[0]["changed"] is True
    assert say(site, "cron", "run", number)[0]["changed"] is True
    assert say(site, "cron", "list")[0]["running"] == 1
    assert say(site, "cron", "run", number)[0]["changed"] is False
    with site.worker("--services", "*@*") as worker:
        worker.read_until("service Tasks on site site started")
        told = say(site, "run", "greet", "--input", '{"name": "me"}', "--wait")
        assert told["output"] == ["hello me"]
        worker.signal(signal.SIGTERM)
        assert worker.end() == 0
    [job] = say(site, "cron", "list")
    assert (job["running"], job["outcome"]) == (0, "completed")
    assert job["finished"]


def test_cron_jobs_of_one_number_in_two_services_are_told_apart(site):
    add_site(site, "other")
    number = add_cron_job(site, crontab="@daily")
    with service_in(site, "other") as service:
        service._generateId = lambda: number
        assert service.addCronJob("greet", {"name": "x"}, crontab="@weekly") == number
        del service._generateId
    done = site.run("cron", "next", str(number), "-C", "zope.conf")
    assert done.returncode == 1
    assert "say with --service which is meant" in done.stderr
    shown = say(
        site, "cron", "disable", str(number), "--service", path_of(site, "other")
    )
    assert shown[0]["service"] == path_of(site, "other")
    assert [job["enabled"] for job in say(site, "cron", "list")] == [False, True]


def test_a_worker_finds_a_service_that_is_added_while_it_runs(instance):
    add_tasks(instance)
    with instance.worker("--services", "*@Tasks") as worker:
        worker.read_until("is ready")
        add_site(instance)
        worker.read_until("service Tasks on site site started")
        told = say(instance, "run", "greet", "--input", '{"name": "you"}', "--wait")
        assert told["output"] == ["hello you"]
        worker.signal(signal.SIGTERM)
        assert worker.end() == 0
        assert "Traceback" not in worker.log
    with instance.queues() as queues:
        assert list(queues.workers) == []


def test_a_task_that_runs_as_its_caller_runs_as_the_user_of_its_service(instance):
    zcml = PLONE_ZCML.replace(
        "tests.service.tasks.UserTask", "tests.command.sites.CallerTask"
    )
    (instance.folder / "etc" / "site.zcml").write_text(zcml)
    script = instance.folder / "script.py"
    script.write_text(PLONE_SCRIPT.replace('site["tasks"].add("tell-user")', ""))
    console = [sys.executable, "-m", "Zope2.utilities.zconsole", "run"]
    subprocess.run(
        [*console, str(instance.zope_conf), str(script)],
        check=True,
        capture_output=True,
        env=environ(),
        timeout=120,
    )
    with instance.worker("--services", "*@*") as worker:
        worker.read_until("service tasks on site site started")
        told = say(instance, "run", "tell-user", "--service", "site/tasks", "--wait")
        assert told["output"] == ["nightly", "/site"]
        # Which the one in the root has not.
        done = instance.run(
            "run", "tell-user", "--service", "/rooted", "-C", "zope.conf"
        )
        assert done.returncode == 1
        assert "and this is nobody" in done.stderr
        worker.signal(signal.SIGTERM)
        assert worker.end() == 0
    # Services in sites are listed without Zope, wherever they are.
    listed = say(instance, "services", "list")
    assert [each["path"] for each in listed] == ["/rooted", "/site/tasks"]
    assert listed[1]["user"] == ["/site/acl_users", "nightly"]


def test_a_worker_for_one_task_leaves_the_others_of_a_service(site):
    with service_in(site) as service:
        provide_task("other", echo)
        left = service.add("other", "x")
        getGlobalSiteManager().unregisterUtility(provided=ITask, name="other")
    with site.worker("--services", "*@*", "--only", "task:greet") as worker:
        worker.read_until("service Tasks on site site started")
        told = say(site, "run", "greet", "--input", '{"name": "you"}', "--wait")
        assert told["output"] == ["hello you"]
        worker.signal(signal.SIGTERM)
        assert worker.end() == 0
    with service_in(site) as service:
        assert service.getStatus(left) == "queued"
