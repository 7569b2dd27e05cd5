"""The other commands: through the real script, on a real ZEO server."""

from plone.app.taskqueue.command.main import main
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.tests.worker import jobs
from plone.app.taskqueue.tests.worker.instance import COMMAND
from plone.app.taskqueue.tests.worker.instance import environ

import json
import pytest
import shlex
import signal
import subprocess


def fail(message: str) -> None:
    """A job that fails."""
    raise ValueError(message)


def say(instance, *arguments: str, status: int = 0):
    done = instance.run(*arguments, "-C", str(instance.zope_conf), "--json")
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    return json.loads(done.stdout)


def run_all(instance) -> None:
    """Let a worker run what waits."""
    with instance.worker() as worker:
        pipe = instance.pipe("all-run")
        instance.put(jobs.tell, pipe)
        pipe.hear()
        worker.signal(signal.SIGTERM)
        assert worker.end() == 0
    pipe.path.unlink()


def test_a_failed_job_is_listed_shown_and_tried_again(instance):
    job_id = instance.put(fail, "no bread", timeout=60, priority=7)
    run_all(instance)
    [failed] = say(instance, "jobs", "--state", "failed", "--function", "*:fail")
    assert (failed["id"], failed["queue"]) == (job_id, "default")
    assert failed["error"] == "ValueError: no bread"
    shown = say(instance, "show", str(job_id))
    assert "raise ValueError" in shown["traceback"]

    [done] = say(instance, "retry", str(job_id))
    new = say(instance, "show", str(done["new_id"]))
    assert new["state"] == "pending"
    assert (new["timeout"], new["priority"]) == (60, 7)
    run_all(instance)
    assert say(instance, "show", str(done["new_id"]))["error"] == "ValueError: no bread"
    # What it was stays to be read.
    assert say(instance, "show", str(job_id))["state"] == "failed"


def test_a_job_that_waits_is_cancelled_and_not_retried_before(instance):
    job_id = instance.put(fail, "never")
    done = instance.run("retry", str(job_id))
    assert done.returncode == 78  # there is no etc/zope.conf here
    done = instance.run("retry", str(job_id), "-C", "zope.conf")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"taskqueue: Job {job_id} has not ended: it is pending.\n"
    assert say(instance, "cancel", str(job_id))[0]["done"] == "cancelled"
    assert instance.state(job_id) is State.CANCELLED


def test_a_paused_queue_is_told_of_by_status_and_doctor(instance):
    instance.put(fail, "later")
    assert say(instance, "queues", "pause", "default")[0]["paused"] is True
    [queue] = say(instance, "status")["queues"]
    assert (queue["paused"], queue["jobs"]["pending"]) == (True, 1)
    [problem] = say(instance, "doctor", status=1)["problems"]
    assert "taskqueue queues resume default" in problem
    say(instance, "queues", "resume", "default")
    assert say(instance, "queues", "list")[0]["paused"] is False
    [problem] = say(instance, "doctor", status=1)["problems"]
    assert "no worker runs" in problem


def test_status_tells_of_workers(instance):
    with instance.worker("--threads", "3") as worker:
        pid = worker.read_until(r"Process (\d+) is ready")[1]
        [told] = say(instance, "status")["workers"]
        assert (str(told["pid"]), told["threads"]) == (pid, 3)
        assert say(instance, "doctor")["problems"] == []


def test_doctor_names_functions_that_cannot_be_imported_here(instance):
    job_id = instance.put(fail, "lost")
    with instance.queues() as queues:
        queues[""].get(job_id).function_name = "gone.away:work"
    problems = say(instance, "doctor", status=1)["problems"]
    assert any("1 jobs wait" in each and "gone.away:work" in each for each in problems)


def test_a_job_of_other_code_waits_for_a_worker_that_has_it(instance):
    job_id = instance.put(fail, "new")
    with instance.queues() as queues:
        queues[""].get(job_id).function_name = "gone.away:work"
    pipe = instance.pipe("pipe")
    with instance.worker() as worker:
        worker.read_until("gone.away:work cannot be imported here .* Its jobs wait")
        instance.put(jobs.tell, pipe)
        pipe.hear()
        worker.signal(signal.SIGTERM)
        assert worker.end() == 0
    [queue] = say(instance, "status")["queues"]
    assert queue["waiting_for_code"] == {"gone.away:work": 1}
    shown = say(instance, "show", str(job_id))
    assert (shown["state"], shown["waits_for_code"]) == ("pending", True)


def test_check_finds_what_is_wrong(instance):
    job_id = instance.put(fail, "odd")
    assert say(instance, "check") == {"problems": []}
    with instance.queues() as queues:
        queues[""].get(job_id).queue_name = "elsewhere"
    [problem] = say(instance, "check", status=1)["problems"]
    assert "elsewhere" in problem


def test_purge_forgets_what_ended_long_ago(instance, monkeypatch):
    monkeypatch.setattr("plone.app.taskqueue.clock.now", lambda: 1_600_000_000.0)
    job_id = instance.put(fail, "old")
    with instance.queues() as queues:
        queues[""].cancel(queues[""].get(job_id))
    monkeypatch.undo()
    with instance.queues() as queues:
        pass
    assert say(instance, "purge", "--days", "99999") == {"forgotten": 0}
    assert say(instance, "purge", "--days", "1") == {"forgotten": 1}
    assert say(instance, "jobs") == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("show", "123456"), "There is no job 123456."),
        (("queues", "pause", "defualt"), "did you mean default?"),
        (("jobs", "--queue", "xyz"), "There is no queue 'xyz'"),
    ],
)
def test_what_is_not_there_is_one_line(instance, arguments, words):
    with instance.queues():
        pass
    done = instance.run(*arguments, "-C", "zope.conf")
    assert done.returncode == 1
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_database_without_queues_and_one_that_is_locked_are_one_line(instance):
    done = instance.run("status", "-C", "zope.conf")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    conf = instance.zope_conf.read_text()
    start, end = conf.index("<zeoclient>"), conf.index("</zeoclient>")
    storage = str(instance.folder.parent / "Data.fs")
    instance.zope_conf.write_text(
        f"{conf[:start]}<filestorage>\npath {storage}\n</filestorage>"
        + conf[end + len("</zeoclient>") :]
    )
    done = instance.run("status", "-C", "zope.conf")
    assert done.returncode == 69
    assert "open in another process" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("purge", "--days", "nan"), "'nan' is no number of days from 0 up"),
        (("purge", "--days=-1"), "'-1' is no number of days from 0 up"),
        (("jobs", "--limit=-3"), "'-3' is no whole number from 0 up"),
        (("cron", "next", "1", "--count", "x"), "'x' is no whole number from 0 up"),
        (("run", "x", "--timeout", "soon"), "'soon' is no number of seconds from 0 up"),
    ],
)
def test_numbers_that_cannot_be_are_refused(capsys, arguments, words):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


def test_a_purge_of_what_is_older_than_time_forgets_nothing(instance):
    with instance.queues():
        pass
    assert say(instance, "purge", "--days", "1e300") == {"forgotten": 0}


def _shell(instance, line: str, **environment: str) -> subprocess.CompletedProcess:
    """Run a line of a shell in which ``taskqueue`` is the command."""
    command = shlex.join(COMMAND)
    return subprocess.run(
        ["bash", "-c", f"taskqueue() {{ {command} $@; }}; set -o pipefail; {line}"],
        capture_output=True,
        text=True,
        env=environ() | environment,
        cwd=instance.folder,
        timeout=120,
    )


@pytest.mark.parametrize("form", ["", "--json"])
def test_a_reader_who_has_read_enough_ends_it_in_silence(instance, form):
    for _ in range(30):
        instance.put(fail, "x" * 500)
    line = f"taskqueue jobs {form} --limit 5000 -C zope.conf | head -1"
    done = _shell(instance, line)
    assert (done.returncode, done.stderr) == (0, "")
    # Also one who reads nothing at all, and closes before there is anything.
    done = _shell(instance, f"taskqueue jobs {form} -C zope.conf | true")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_terminal_that_knows_few_letters_shows_the_others_as_numbers(instance):
    job_id = instance.put(fail, "k\u00e4se \u2713")
    run_all(instance)
    line = f"taskqueue show {job_id} -C zope.conf"
    done = _shell(instance, line, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "ValueError: k\\xe4se \\u2713" in done.stdout


def test_what_cannot_be_written_is_one_line(instance):
    instance.put(fail, "x")
    done = _shell(instance, "taskqueue jobs -C zope.conf > /dev/full")
    assert done.returncode == 1
    assert done.stderr.startswith("taskqueue: What was found cannot be written: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "content", [b"\xff\xfe\x00garbage <<<\n", b"", b"%import nowhere\n"]
)
@pytest.mark.parametrize("command", ["status", "worker"])
def test_a_configuration_that_is_none_is_one_line(instance, content, command):
    (instance.folder / "bad.conf").write_bytes(content)
    done = instance.run(command, "-C", "bad.conf")
    assert done.returncode in (1, 78), done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr


def test_a_server_that_is_gone_is_one_line(instance, server):
    with instance.queues():
        pass
    server.kill()
    conf = instance.zope_conf.read_text()
    instance.zope_conf.write_text(
        conf.replace("<zeoclient>", "<zeoclient>\n    wait no")
    )
    done = instance.run("status", "-C", "zope.conf")
    assert done.returncode == 69, done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
