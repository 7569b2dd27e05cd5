"""``taskqueue worker``: real processes, real signals, a real ZEO server."""

from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.tests.worker import jobs
from plone.app.taskqueue.tests.worker.instance import RUNS

import os
import pytest
import signal


STARTS = r"Process (\d+) starts"
READY = r"Process (\d+) is ready"


def test_it_runs_jobs_and_ends_in_order(instance):
    begun = instance.pipe("begun")
    job_id = instance.put(jobs.tell, begun)
    with instance.worker() as worker:
        pid = worker.read_until(STARTS)[1]
        assert begun.hear() == pid
        worker.signal(signal.SIGTERM)
        assert worker.end() == 0
        assert "Traceback" not in worker.log
    assert instance.state(job_id) is State.COMPLETED
    with instance.queues() as queues:
        queues[""].check()
        assert list(queues.workers) == []


def test_the_parent_runs_no_job_and_several_processes_do(instance):
    pipes = [(instance.pipe(f"begun{i}"), instance.pipe(f"end{i}")) for i in range(4)]
    with instance.worker("--processes", "2", "--threads", "2") as worker:
        mine = {worker.read_until(READY)[1], worker.read_until(READY)[1]}
        # Each of the four threads is needed to get here.
        for begun, end in pipes:
            instance.put(jobs.tell_and_wait, begun, end)
        pids = [begun.hear() for begun, _ in pipes]
        assert set(pids) == mine
        assert str(worker.process.pid) not in pids
        for _, end in pipes:
            end.release()
        worker.signal(signal.SIGTERM)
        assert worker.end() == 0


def test_zope_conf_says_what_the_command_line_does_not(instance):
    instance.configure("threads 0\nworker-threads 3\nworker-processes 2")
    with instance.worker("--processes", "1") as worker:
        worker.read_until(f"{RUNS} 3 threads")
        worker.signal(signal.SIGTERM)
        assert worker.end() == 0
        assert worker.log.count(" starts.") == 1


def test_a_job_that_runs_at_sigterm_is_finished_and_no_other_begins(instance):
    begun, end = instance.pipe("begun"), instance.pipe("end")
    first = instance.put(jobs.tell_and_wait, begun, end)
    second = instance.put(jobs.tell, begun)
    with instance.worker() as worker:
        begun.hear()
        worker.signal(signal.SIGTERM)
        worker.read_until("is stopping")
        end.release()
        assert worker.end() == 0
    assert instance.state(first) is State.COMPLETED
    assert instance.state(second) is State.PENDING
    with instance.queues() as queues:
        assert dict(queues[""].leases) == {}


def test_a_second_sigterm_ends_it_at_once_and_the_job_begins_again_elsewhere(instance):
    begun, end = instance.pipe("begun"), instance.pipe("end")
    job_id = instance.put(jobs.tell_and_wait, begun, end)
    with instance.worker() as worker:
        begun.hear()
        worker.signal(signal.SIGTERM)
        worker.read_until("is stopping")
        worker.signal(signal.SIGTERM)
        assert worker.end() == 75
    # Nobody has to wait until a lease has expired.
    assert instance.state(job_id) is State.PENDING
    with instance.worker("--threads", "1") as worker:
        begun.hear()
        end.release()
        worker.signal(signal.SIGTERM)
        assert worker.end() == 0
    assert instance.state(job_id) is State.COMPLETED
    with instance.queues() as queues:
        assert queues[""].get(job_id).interruptions == 1
        queues[""].check()


def test_a_job_that_runs_after_drain_seconds_begins_again_elsewhere(instance):
    begun, end = instance.pipe("begun"), instance.pipe("end")
    job_id = instance.put(jobs.tell_and_wait, begun, end)
    with instance.worker("--drain-seconds", "0") as worker:
        begun.hear()
        worker.signal(signal.SIGTERM)
        assert worker.end() == 75
    assert instance.state(job_id) is State.PENDING


def test_ctrl_c_is_as_sigterm_also_where_all_processes_get_it(instance):
    begun, end = instance.pipe("begun"), instance.pipe("end")
    job_id = instance.put(jobs.tell_and_wait, begun, end)
    with instance.worker() as worker:
        child = int(worker.read_until(STARTS)[1])
        begun.hear()
        for number in (signal.SIGINT, signal.SIGTERM):
            os.kill(child, number)
        worker.signal(signal.SIGINT)
        worker.read_until("is stopping")
        end.release()
        assert worker.end() == 0
    assert instance.state(job_id) is State.COMPLETED


def test_a_child_that_was_killed_is_replaced_and_its_job_begins_again_at_once(instance):
    begun, end = instance.pipe("begun"), instance.pipe("end")
    instance.configure("lease-seconds 3600")
    job_id = instance.put(jobs.tell_and_wait, begun, end)
    with instance.worker("--health", "0") as worker:
        first = begun.hear()
        # The parent has to have heard under which id the process holds its lease.
        worker.read_until("is ready")
        os.kill(int(first), signal.SIGKILL)
        worker.read_until("has ended: ended by signal SIGKILL")
        second = begun.hear()
        assert second != first
        end.release()
        worker.signal(signal.SIGTERM)
        assert worker.end() == 0
    assert instance.state(job_id) is State.COMPLETED


def test_the_children_end_in_order_when_the_parent_was_killed(instance):
    begun, end = instance.pipe("begun"), instance.pipe("end")
    job_id = instance.put(jobs.tell_and_wait, begun, end)
    with instance.worker() as worker:
        begun.hear()
        worker.signal(signal.SIGKILL)
        worker.read_until("parent of process .* is gone")
        end.release()
        worker.read_until("has stopped")
    assert instance.state(job_id) is State.COMPLETED


def test_sighup_reads_the_settings_again(instance):
    instance.configure("worker-threads 1")
    with instance.worker() as worker:
        worker.read_until(f"{RUNS} 1 thread")
        # Else that line could be taken for one of the new processes.
        worker.read_until(READY)
        instance.configure("worker-threads 2\nprocesses 2")
        worker.signal(signal.SIGHUP)
        worker.read_until(READY)
        worker.read_until(READY)
        assert worker.log.count(f"{RUNS} 2 threads") == 2
        worker.signal(signal.SIGTERM)
        assert worker.end() == 0


def test_a_wrong_setting_at_sighup_changes_nothing(instance):
    begun = instance.pipe("begun")
    with instance.worker() as worker:
        pid = worker.read_until(STARTS)[1]
        worker.read_until(RUNS)
        instance.configure("threds 2")
        worker.signal(signal.SIGHUP)
        worker.read_until("goes on with its old settings: .*did you mean threads")
        instance.put(jobs.tell, begun)
        assert begun.hear() == pid
        worker.signal(signal.SIGTERM)
        assert worker.end() == 0


def test_a_process_that_grew_is_replaced_when_its_jobs_have_ended(instance):
    begun, end = instance.pipe("begun"), instance.pipe("end")
    with instance.worker("--memory-mb", "400", "--threads", "2") as worker:
        job_id = instance.put(jobs.tell_and_wait, begun, end)
        first = begun.hear()
        instance.put(jobs.grow, 500)
        worker.read_until(f"Process {first} has .* MB of memory")
        worker.read_until("is stopping")
        end.release()
        second = worker.read_until(STARTS)[1]
        instance.put(jobs.tell, begun)
        assert begun.hear() == second
        worker.signal(signal.SIGTERM)
        assert worker.end() == 0
    assert instance.state(job_id) is State.COMPLETED


def test_a_job_that_does_not_answer_when_its_time_is_up_ends_its_process(instance):
    begun, end = instance.pipe("begun"), instance.pipe("end")
    job_id = instance.put(jobs.tell_and_wait, begun, end, timeout=0.1)
    with instance.worker("--kill-seconds", "0.1") as worker:
        begun.hear()
        worker.read_until("did not answer")
        instance.put(jobs.tell, begun)
        begun.hear()
        worker.signal(signal.SIGTERM)
        assert worker.end() == 0
    assert instance.state(job_id) is State.FAILED


def test_only_the_queues_that_are_named_are_served(instance):
    begun = instance.pipe("begun")
    with instance.queues() as queues:
        for name in ("mail", "mail-slow", "video"):
            queues.create(name)
    ids = {
        name: instance.put(jobs.tell, begun, queue=name)
        for name in ("", "mail", "mail-slow", "video")
    }
    with instance.worker("--queues", "default, mail*") as worker:
        for _ in range(3):
            begun.hear()
        worker.signal(signal.SIGTERM)
        assert worker.end() == 0
    states = {name: instance.state(job_id) for name, job_id in ids.items()}
    assert states.pop("video") is State.PENDING
    assert set(states.values()) == {State.COMPLETED}


@pytest.mark.parametrize(
    ("arguments", "settings", "words"),
    [
        (("--threads", "many"), "", "--threads is 'many': write a whole number"),
        (("--processes", "0"), "", "--processes is '0': write a whole number from 1"),
        ((), "thraeds 2", "did you mean threads?"),
        ((), "database elsewhere", "zope.conf has no <zodb_db elsewhere>"),
        (("--log-config", "nowhere.ini"), "", "nowhere.ini cannot be used"),
        (("--health", "here"), "", "'here' of --health cannot be used"),
        (("--ready-file", "no/such/place"), "", "--ready-file cannot be written"),
    ],
)
def test_what_is_configured_wrongly_is_one_line(instance, arguments, settings, words):
    instance.configure(settings)
    with instance.worker(*arguments) as worker:
        assert worker.end() == 78
        assert words in worker.log
        last = worker.log.splitlines()[-1]
        assert last.startswith("taskqueue: ")
        assert "Traceback" not in worker.log


def test_a_broken_or_missing_zope_conf_is_one_line(instance):
    instance.configure(more="<zodb_db>")
    with instance.worker() as worker:
        assert worker.end() == 78
        assert worker.log.startswith("taskqueue: Line ")
        assert len(worker.log.splitlines()) == 1
    instance.zope_conf.unlink()
    with instance.worker() as worker:
        assert worker.end() == 78
        assert "There is no file" in worker.log
        assert len(worker.log.splitlines()) == 1


def test_it_runs_only_what_it_is_told_to(instance):
    begun, other = instance.pipe("begun"), instance.pipe("other")
    left = instance.put(jobs.tell_and_wait, other, other)
    done = instance.put(jobs.tell, begun)
    with instance.worker("--only", "*:tell,task:*") as worker:
        begun.hear()
        worker.signal(signal.SIGTERM)
        assert worker.end() == 0
    assert instance.state(done) is State.COMPLETED
    assert instance.state(left) is State.PENDING
    with instance.queues() as queues:
        queues[""].check()
