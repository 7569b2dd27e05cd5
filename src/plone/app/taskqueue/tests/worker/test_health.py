"""What orchestrators are told: true only while the database is open."""

from collections.abc import Callable
from http.client import HTTPConnection
from plone.app.taskqueue.tests.worker import jobs
from plone.app.taskqueue.tests.worker.instance import Worker
from plone.app.taskqueue.worker.errors import CommandError
from plone.app.taskqueue.worker.health import Health
from plone.app.taskqueue.worker.health import serve

import contextlib
import json
import os
import pytest
import signal
import socket
import time


@pytest.fixture
def port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def ask(port: int, what: str) -> tuple[int, dict]:
    with contextlib.closing(HTTPConnection("127.0.0.1", port, timeout=10)) as http:
        http.request("GET", f"/{what}")
        response = http.getresponse()
        return response.status, json.loads(response.read())


def eventually(condition: Callable[[], bool], worker: Worker) -> None:
    """Wait until it is so: orchestrators too ask again and again."""
    until = time.monotonic() + 40
    while not condition():
        assert time.monotonic() < until, worker.log
        time.sleep(0.02)


def test_it_is_ready_when_the_database_is_open_and_not_before(instance, server, port):
    ready_file = instance.folder / "ready"
    ready_file.write_text("left by another one")
    server.kill()
    arguments = ("--health", str(port), "--ready-file", str(ready_file))
    with instance.worker(*arguments) as worker:
        worker.read_until("starts")
        # The process waits for the server now.
        status, state = ask(port, "ready")
        assert (status, state["ready"]) == (503, False)
        assert ask(port, "live")[0] == 200
        assert not ready_file.exists()

        server.start()
        worker.read_until("is ready")
        eventually(ready_file.exists, worker)
        status, state = ask(port, "ready")
        assert (status, state["ready"]) == (200, True)
        [process] = state["processes"]
        assert process["memory_mb"] > 10

        server.kill()
        eventually(lambda: not ready_file.exists(), worker)
        assert ask(port, "ready")[0] == 503
        assert ask(port, "live")[0] == 200


def test_it_is_not_ready_while_it_stops_and_lives_on(instance, port):
    begun, end = instance.pipe("begun"), instance.pipe("end")
    instance.put(jobs.tell_and_wait, begun, end)
    ready_file = instance.folder / "ready"
    arguments = ("--health", str(port), "--ready-file", str(ready_file))
    with instance.worker(*arguments) as worker:
        worker.read_until("is ready")
        begun.hear()
        worker.signal(signal.SIGTERM)
        worker.read_until("is stopping")
        assert ask(port, "ready")[0] == 503
        assert ask(port, "live")[0] == 200
        end.release()
        assert worker.end() == 0
    assert not ready_file.exists()


def test_a_process_that_gives_no_sign_does_not_live_and_is_replaced(instance, port):
    instance.configure("lease-seconds 1")
    with instance.worker("--health", str(port)) as worker:
        pid = int(worker.read_until("Process (\\d+) is ready")[1])
        os.kill(pid, signal.SIGSTOP)
        eventually(lambda: ask(port, "live")[0] == 503, worker)
        worker.read_until(f"Process {pid} has given no sign of life")
        worker.read_until("is ready")
        eventually(lambda: ask(port, "live")[0] == 200, worker)


def test_a_ready_file_that_cannot_be_written_any_more_ends_nothing(instance):
    folder = instance.folder / "run"
    folder.mkdir()
    ready_file = folder / "ready"
    with instance.worker("--ready-file", str(ready_file)) as worker:
        worker.read_until("is ready")
        eventually(ready_file.exists, worker)
        folder.rename(instance.folder / "gone")
        worker.read_until("The file of --ready-file cannot be written")
        begun = instance.pipe("begun")
        instance.put(jobs.tell, begun)
        begun.hear()
        worker.signal(signal.SIGTERM)
        assert worker.end() == 0


def test_a_crash_loop_is_one_clear_line(instance):
    # Code that is broken does not heal, but may be mended while the worker waits.
    (instance.folder / "etc" / "site.zcml").write_text("<configure")
    with instance.worker() as worker:
        worker.read_until("could not start: .*It is tried again in 1 seconds")
        worker.read_until("could not start: .*It is tried again in 2 seconds")
        worker.signal(signal.SIGTERM)
        assert worker.end() == 0


@pytest.fixture
def served():
    servers = []

    def served(host: str) -> tuple[str, int]:
        servers.append(serve(f"{host}:0", Health()))
        return servers[-1].server_address[:2]

    yield served
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("host", ["127.0.0.1", "", "[::1]"])
def test_it_answers_where_it_is_told_to(served, host):
    try:
        address = served(host)
    except CommandError as error:
        if host == "[::1]" and "Address family" in str(error):
            pytest.skip("needs IPv6")
        raise
    with contextlib.closing(HTTPConnection(*address, timeout=10)) as http:
        for method, size in (("HEAD", 0), ("GET", 1)):
            http.request(method, "/live")
            response = http.getresponse()
            assert response.status == 200
            assert bool(response.read()) is bool(size)


def test_who_asks_rubbish_or_nothing_keeps_nobody_from_an_answer(served, capfd):
    address = served("127.0.0.1")
    silent = [socket.create_connection(address) for _ in range(50)]
    silent[0].sendall(b"\xff\xfe\r\n\r\n")
    silent[1].sendall(b"GET /" + b"x" * 99_999)
    assert ask(address[1], "live")[0] == 200
    for each in silent:
        # Those who say nothing are not waited for, whoever else asks.
        each.settimeout(30)
        with contextlib.suppress(ConnectionResetError):
            each.recv(10_000)
        each.close()
    assert "Traceback" not in capfd.readouterr().err


def test_an_address_that_another_one_has_is_one_sentence(served):
    host, port = served("127.0.0.1")
    with pytest.raises(CommandError, match=r"cannot be used .*write a free port"):
        serve(f"{host}:{port}", Health())
