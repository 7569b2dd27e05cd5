"""``python -m plone.app.taskqueue.demo [FOLDER]``; exit status 1 if anything differs."""

from pathlib import Path
from plone.app.taskqueue.demo.instance import InstanceError
from plone.app.taskqueue.demo.instance import make_instance
from plone.app.taskqueue.demo.site import EDITOR
from plone.app.taskqueue.demo.site import REVIEWER
from rich.console import Console
from rich.progress import BarColumn
from rich.progress import MofNCompleteColumn
from rich.progress import Progress
from rich.progress import TextColumn
from rich.progress import TimeElapsedColumn
from rich.table import Table
from typing import Any

import argparse
import logging
import os
import secrets
import sys
import threading
import time


FOLDERS = 10
#: Most seconds that the jobs may take before the demonstration gives up.
PATIENCE = 300


def main() -> int:
    """Run the demonstration; return the exit status."""
    parser = argparse.ArgumentParser(prog="plone.app.taskqueue.demo")
    parser.add_argument("folder", nargs="?", type=Path, default=Path("var/demo"))
    parser.add_argument(
        "--pages", type=int, default=30, help="pages in each of the folders (30)"
    )
    options = parser.parse_args()
    if options.pages < 1:
        parser.error(f"--pages must be at least 1, not {options.pages}")
    console = Console()
    folder = options.folder.resolve()
    try:
        password = make_instance(folder)
    except InstanceError as error:
        console.print(f"[red]{error}[/red]")
        return 2
    return _Demonstration(console, folder, password, options.pages).run()


class _Demonstration:
    def __init__(self, console: Console, folder: Path, password: str, pages: int):
        self.console = console
        self.folder = folder
        self.passwords = {name: secrets.token_urlsafe(9) for name in (EDITOR, REVIEWER)}
        self.admin_password = password
        self.pages = pages

    def run(self) -> int:
        with self._progress() as progress:
            portal, names = self._build(progress)
            lots, seconds = self._work(progress, portal, names)
        return self._report(portal, names, lots, seconds)

    def _progress(self) -> Progress:
        return Progress(
            TextColumn("{task.description:<34}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self.console,
        )

    def _build(self, progress: Progress) -> tuple[Any, list[tuple[str, str]]]:
        task = progress.add_task("Starting Zope", total=1)
        # Here, not above: these import all of Plone, which takes some seconds.
        from Testing.makerequest import makerequest
        from zope.globalrequest import setRequest
        from Zope2.Startup.run import configure_wsgi

        import Zope2

        configure_wsgi(str(self.folder / "etc" / "zope.conf"))
        # Zope's own configuration logs to the console, which shows the progress here.
        logging.getLogger().handlers[:] = [
            logging.FileHandler(self.folder / "demo.log", delay=True)
        ]
        app = makerequest(
            Zope2.app(), environ={"SERVER_NAME": "localhost", "SERVER_PORT": "8080"}
        )
        # The importer of the site's first content asks for it globally.
        setRequest(app.REQUEST)
        progress.update(task, completed=1)

        from plone.app.taskqueue.demo import site

        task = progress.add_task("Adding a Plone Classic site", total=1)
        portal = site.add_site(app)
        site.add_people(portal, self.passwords)
        progress.update(task, completed=1)
        task = progress.add_task("Writing documents", total=FOLDERS * self.pages)
        names = site.add_documents(
            portal, FOLDERS, self.pages, lambda: progress.advance(task)
        )
        return portal, names

    def _work(self, progress: Progress, portal: Any, names: list) -> tuple[list, float]:
        from plone.app.taskqueue.demo.plan import queue_jobs
        from plone.app.taskqueue.settings import read_settings
        from plone.app.taskqueue.startup import run_dispatcher

        task = progress.add_task("Queueing jobs", total=1)
        lots = queue_jobs(portal, names)
        progress.update(task, completed=1)
        total = sum(len(lot.ids) for lot in lots)
        task = progress.add_task("Running jobs", total=total)
        began = time.monotonic()
        dispatcher = run_dispatcher(portal._p_jar.db(), read_settings())
        try:
            _watch(portal, total, lambda done: progress.update(task, completed=done))
        finally:
            dispatcher.stop(PATIENCE)
        return lots, time.monotonic() - began

    def _report(self, portal: Any, names: list, lots: list, seconds: float) -> int:
        from plone.app.taskqueue.demo.plan import differences
        from plone.app.taskqueue.queue.container import get_queues
        from zope.component.hooks import setSite

        import transaction

        transaction.begin()
        setSite(portal)
        queue = get_queues(portal._p_jar)[""]
        problems = []
        table = Table(title="What happened")
        for column in ("Jobs", "Queued by", "States"):
            table.add_column(column)
        for column in ("Number", "Conflicts retried"):
            table.add_column(column, justify="right")
        for lot in lots:
            jobs = [queue.get(job_id) for job_id in lot.ids]
            problems.extend(
                f"job {job.id} ({lot.title}) is {job.state.value}: {job.result!r}"
                for job in jobs
                if job.state is not lot.expected
            )
            conflicts = sum(job.conflicts for job in jobs)
            if lot.title == "conflict" and not conflicts:
                problems.append("the job that conflicts on purpose met no conflict")
            if lot.title == "forbidden" and "Unauthorized" not in repr(jobs[0].result):
                problems.append(f"the forbidden job ended with {jobs[0].result!r}")
            states = sorted({job.state.value for job in jobs})
            table.add_row(
                lot.title, lot.user, ", ".join(states), str(len(jobs)), str(conflicts)
            )
        queue.check()
        problems.extend(differences(portal, names))
        transaction.abort()
        portal._p_jar.close()
        portal._p_jar.db().close()
        total = sum(len(lot.ids) for lot in lots)
        self.console.print(table)
        self.console.print(
            f"{total} jobs in {seconds:.1f} seconds: {total / seconds:.0f} jobs/s."
        )
        for problem in problems[:20]:
            self.console.print(f"[red]Differs:[/red] {problem}", markup=True)
        if problems:
            self.console.print(
                f"[red]{len(problems)} things are not as they should be.[/red] "
                f"The log is {self.folder / 'demo.log'}."
            )
            return 1
        self._write_credentials()
        self.console.print(
            "The content was read back: every page is as its jobs left it, the job "
            "without permission failed, and the conflict was resolved."
        )
        self.console.print(
            "Look around: [bold]make start[/bold], then http://localhost:8080/Plone. "
            f"Names and passwords are in {self.folder / 'credentials.txt'}."
        )
        return 0

    def _write_credentials(self) -> None:
        everybody = {"admin": self.admin_password, **self.passwords}
        lines = [f"{name} {password}\n" for name, password in everybody.items()]
        path = self.folder / "credentials.txt"
        path.touch(mode=0o600)
        path.write_text("".join(lines))


def _watch(portal: Any, total: int, show: Any) -> None:
    """Show how many jobs have ended, until all have."""
    from plone.app.taskqueue.job.states import FINAL
    from plone.app.taskqueue.queue.container import get_queues

    import transaction

    pause = threading.Event()
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        transaction.begin()
        counts = get_queues(portal._p_jar)[""].counts()
        done = sum(counts[state] for state in FINAL)
        show(done)
        if done == total:
            return
        pause.wait(0.1)
    raise SystemExit(f"{total - done} jobs have not ended after {PATIENCE} seconds.")


if __name__ == "__main__":
    status = main()
    # Zope's own threads must not keep the process.
    sys.stdout.flush()
    os._exit(status)
