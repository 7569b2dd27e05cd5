"""``taskqueue worker`` as process 1, which nobody is init for."""

from pathlib import Path
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.tests.worker import jobs
from plone.app.taskqueue.tests.worker.container import in_container

import os
import signal
import time


def test_it_ends_its_jobs_before_it_ends_at_sigterm(instance):
    begun, end = instance.pipe("begun"), instance.pipe("end")
    job_id = instance.put(jobs.tell_and_wait, begun, end)
    with in_container(instance) as container:
        begun.hear()
        container.signal(signal.SIGTERM)
        container.worker.read_until("is stopping")
        end.release()
        assert container.worker.end() == 0
    assert instance.state(job_id) is State.COMPLETED


def test_it_replaces_a_process_that_is_killed_and_buries_what_that_one_left(instance):
    begun, end = instance.pipe("begun"), instance.pipe("end")
    job_id = instance.put(jobs.start_a_program, begun, end)
    with in_container(instance) as container:
        inside, program = map(int, begun.hear().split())
        program = container.pid(program)
        os.kill(container.pid(inside), signal.SIGKILL)
        container.worker.read_until("ended by signal SIGKILL")
        # The program lives on, as a child of process 1.
        assert Path(f"/proc/{program}").exists()
        end.release()
        again = int(begun.hear().split()[0])
        assert again != inside
        deadline = time.monotonic() + 40
        while Path(f"/proc/{program}").exists():
            assert time.monotonic() < deadline, Path(
                f"/proc/{program}/stat"
            ).read_text()
            time.sleep(0.01)
        end.release()
        container.signal(signal.SIGTERM)
        assert container.worker.end() == 0
    assert instance.state(job_id) is State.COMPLETED
