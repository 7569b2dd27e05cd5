"""What jobs do to their processes does not hurt the worker."""

from plone.app.taskqueue.dispatcher.run import FORK_STATUS
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.tests.worker import jobs
from plone.app.taskqueue.tests.worker.instance import RUNS

import os
import resource
import signal


STARTS = r"Process (\d+) starts"
READY = r"Process (\d+) is ready"


def stop(worker) -> None:
    worker.signal(signal.SIGTERM)
    assert worker.end() == 0


def test_what_a_job_forks_can_be_ended(instance):
    told = instance.pipe("told")
    instance.put(jobs.end_a_fork, told)
    with instance.worker() as worker:
        assert told.hear() == str(-signal.SIGTERM)
        stop(worker)


def test_what_a_job_forks_touches_no_database(instance):
    told = instance.pipe("told")
    job_id = instance.put(jobs.fork_and_fail, told)
    with instance.worker() as worker:
        assert told.hear() == str(FORK_STATUS)
        worker.read_until("has forked process .* come back from the job")
        worker.read_until("ValueError: in the fork")
        stop(worker)
    assert instance.state(job_id) is State.COMPLETED


def test_what_a_job_writes_to_the_wire_of_its_process_is_left_alone(instance):
    told = instance.pipe("told")
    with instance.worker("--health", "0") as worker:
        worker.read_until(READY)
        instance.put(jobs.write_to_the_wire, told)
        pid = told.hear()
        instance.put(jobs.tell, told)
        assert told.hear() == pid
        stop(worker)
        assert "Traceback" not in worker.log


def test_a_thread_that_a_job_has_left_does_not_keep_its_process(instance):
    told = instance.pipe("told")
    job_id = instance.put(jobs.leave_a_thread, told)
    with instance.worker() as worker:
        told.hear()
        stop(worker)
    assert instance.state(job_id) is State.COMPLETED


def test_a_job_that_keeps_pythons_lock_ends_its_process_which_tells_where(instance):
    instance.configure("lease-seconds 1")
    told = instance.pipe("told")
    with instance.worker() as worker:
        first = worker.read_until(READY)[1]
        instance.put(jobs.keep_the_lock, told)
        assert told.hear() == first
        worker.read_until(f"Process {first} has given no sign of life")
        worker.read_until("in keep_the_lock")
        worker.read_until(f"Process {first} has ended: ended by signal SIGKILL")
        # Another one takes up its jobs at once.
        assert told.hear() == worker.read_until(STARTS)[1]
        worker.signal(signal.SIGTERM)
        worker.signal(signal.SIGTERM)
        assert worker.end() == 75


def test_a_process_that_crashes_tells_where(instance):
    told = instance.pipe("told")
    with instance.worker() as worker:
        worker.read_until(READY)
        instance.put(jobs.crash, told)
        told.hear()
        worker.read_until("Fatal Python error: Segmentation fault")
        worker.read_until("in crash")
        worker.read_until("has ended: ended by signal SIGSEGV")
        worker.signal(signal.SIGTERM)
        worker.end()


def test_jobs_of_the_dead_begin_again_though_the_next_process_could_not_start(instance):
    instance.configure("lease-seconds 3600")
    begun, end = instance.pipe("begun"), instance.pipe("end")
    instance.put(jobs.tell_and_wait, begun, end)
    site = instance.folder / "etc" / "site.zcml"
    zcml = site.read_text()
    with instance.worker() as worker:
        # Not awaited that it is ready: its id is known before its first job.
        first = begun.hear()
        site.write_text("<configure")
        os.kill(int(first), signal.SIGKILL)
        worker.read_until("could not start")
        site.write_text(zcml)
        assert begun.hear() != first
        end.release()
        stop(worker)


def test_jobs_of_the_dead_begin_again_though_sighup_came_first(instance, server):
    instance.configure("lease-seconds 3600")
    begun, end = instance.pipe("begun"), instance.pipe("end")
    instance.put(jobs.tell_and_wait, begun, end)
    with instance.worker() as worker:
        first = begun.hear()
        server.kill()
        os.kill(int(first), signal.SIGKILL)
        worker.read_until(f"Process {first} has ended|Process {first} could not start")
        worker.read_until(STARTS)
        # It waits for the server, and ends at once.
        worker.signal(signal.SIGHUP)
        worker.read_until(STARTS)
        server.start()
        assert begun.hear() != first
        end.release()
        stop(worker)


def test_a_process_that_is_killed_while_the_worker_stops_is_told_by_the_status(
    instance,
):
    begun, end = instance.pipe("begun"), instance.pipe("end")
    instance.put(jobs.tell_and_wait, begun, end)
    with instance.worker() as worker:
        pid = int(begun.hear())
        worker.signal(signal.SIGTERM)
        worker.read_until("is stopping")
        os.kill(pid, signal.SIGKILL)
        assert worker.end() == 75
        assert "not in order: ended by signal SIGKILL" in worker.log


def test_a_worker_without_room_for_another_process_tries_again(instance):
    with instance.worker() as worker:
        pid = int(worker.read_until(READY)[1])
        _, most = resource.prlimit(worker.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(worker.process.pid, resource.RLIMIT_NOFILE, (3, most))
        os.kill(pid, signal.SIGKILL)
        worker.read_until("No process can be started: .*tried again in")
        resource.prlimit(worker.process.pid, resource.RLIMIT_NOFILE, (most, most))
        worker.read_until(RUNS)
        stop(worker)


def test_a_memory_limit_below_what_a_process_needs_is_told_and_no_tight_loop(instance):
    begun = instance.pipe("begun")
    job_id = instance.put(jobs.tell, begun)
    with instance.worker("--memory-mb", "1") as worker:
        # It gets to work all the same.
        begun.hear()
        worker.read_until("memory-mb .* started in 0 seconds. .* less than .* needs")
        worker.read_until("memory-mb .* started in 2 seconds")
        stop(worker)
    assert instance.state(job_id) is State.COMPLETED
