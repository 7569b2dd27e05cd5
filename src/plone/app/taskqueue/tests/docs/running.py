"""Running the examples of a page, in their order and in one namespace."""

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import chdir
from contextlib import contextmanager
from pathlib import Path
from plone.app.taskqueue.exportimport.steps import import_services
from plone.app.taskqueue.tests.docs.pages import Block
from plone.app.taskqueue.tests.docs.pages import read_blocks
from Products.GenericSetup.tests.common import DummyImportContext
from typing import Any
from zope.component import getGlobalSiteManager
from zope.configuration import xmlconfig

import doctest
import functools
import importlib
import inspect
import Products.Five
import subprocess
import sys


#: Languages that are not Python and have nothing to run here.
SHOWN = frozenset({"dockerfile", "ini", "shell", "sql", "text", "yaml"})

_CHECKS = doctest.ELLIPSIS | doctest.REPORT_UDIFF


class PageRunner:
    """Runs a page.

    * ``pycon``: a session, as doctest runs it.
    * ``python`` whose first line is ``# my/addon/jobs.py``: that module.  Whatever
      function it has must have been called by the end of the page.  If a page has
      modules named ``test_...``, they are run at its end, in a process of their own,
      and must pass.
    * other ``python``: statements.
    * ``xml`` whose first line is ``<!-- name.zcml -->``: that file.
    * other ``xml``: ZCML, loaded as a site would load it; or ``taskservices.xml``,
      imported.

    All that in a folder that is also the current one.
    """

    def __init__(self, page: Path, name: str, folder: Path, names: dict[str, Any]):
        self.page = page
        self.name = name
        self.folder = folder
        self.names = names
        self.blocks = read_blocks(page)
        self._tests = [
            self.path(block)
            for block in self.blocks
            if block.module and block.module.rpartition(".")[2].startswith("test_")
        ]
        self._called: set[str] = set()
        self._functions: set[str] = set()

    def run(self) -> None:
        """Run all; ``AssertionError`` for an example that does not do what it says."""
        with chdir(self.folder), self._importable(), _registrations_undone():
            for block in self.blocks:
                self._run(block)
            if self._tests:
                self._run_tests()
            never = self._functions - self._called
            assert not never, f"{self.name} never calls {', '.join(sorted(never))}"

    @contextmanager
    def _importable(self) -> Iterator[None]:
        """Let the page's modules be imported, and forget them afterwards."""
        sys.path.insert(0, str(self.folder))
        try:
            yield
        finally:
            sys.path.remove(str(self.folder))
            ours = {
                block.module.partition(".")[0] for block in self.blocks if block.module
            }
            for name in list(sys.modules):
                if name.partition(".")[0] in ours:
                    del sys.modules[name]

    def _run(self, block: Block) -> None:
        where = f"{self.name}, line {block.line + 1}"
        if block.language == "pycon":
            self._run_session(block)
        elif block.language == "python" and block.module:
            self._add_module(block)
        elif block.language == "python":
            exec(self._compiled(block), self.names)
        elif block.text.startswith("<taskservices>"):
            context = DummyImportContext(self.names["portal"], purge=False)
            context._files["taskservices.xml"] = block.text
            import_services(context)
        elif block.language == "xml" and block.file:
            (self.folder / block.file).write_text(block.text, encoding="utf-8")
        elif block.language == "xml":
            context = xmlconfig.file("meta.zcml", Products.Five)
            xmlconfig.string(block.text, context=context, name=where)
        else:
            assert block.language in SHOWN, f"{where}: what is {block.language!r}?"
            assert ">>> " not in block.text, f"{where}: Python that is not run"

    def _compiled(self, block: Block) -> Any:
        """Compile with the page's own line numbers, for the traceback."""
        return compile("\n" * block.line + block.text, str(self.page), "exec")

    def _run_session(self, block: Block) -> None:
        test = doctest.DocTestParser().get_doctest(
            block.text, self.names, self.name, str(self.page), block.line
        )
        assert test.examples, f"{self.name}, line {block.line + 1}: nothing to run"
        # It would work on a copy.
        test.globs = self.names
        report: list[str] = []
        runner = doctest.DocTestRunner(verbose=False, optionflags=_CHECKS)
        runner.run(test, out=report.append, clear_globs=False)
        assert not runner.failures, "".join(report)

    def path(self, block: Block) -> Path:
        """Return where a module is written."""
        return self.folder / f"{block.module.replace('.', '/')}.py"

    def _add_module(self, block: Block) -> None:
        path = self.path(block)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")
        if self._tests:
            return
        importlib.invalidate_caches()
        module = importlib.import_module(block.module)
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ == block.module:
                full = f"{block.module}.{name}"
                setattr(module, name, self._telling(full, function))
                self._functions.add(full)

    def _run_tests(self) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "--color=no", *self._tests],
            cwd=self.folder,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{self.name}: {done.stdout}{done.stderr}"

    def _telling(self, full: str, function: Callable) -> Callable:
        @functools.wraps(function)
        def called(*args: Any, **kwargs: Any) -> Any:
            self._called.add(full)
            return function(*args, **kwargs)

        return called


@contextmanager
def _registrations_undone() -> Iterator[None]:
    """Take back the subscribers and the utilities that a page registers."""
    registry = getGlobalSiteManager()
    before = list(registry.registeredHandlers())
    utilities = list(registry.registeredUtilities())
    try:
        yield
    finally:
        for each in list(registry.registeredUtilities()):
            if each not in utilities:
                registry.unregisterUtility(each.component, each.provided, each.name)
        for each in list(registry.registeredHandlers()):
            if each not in before:
                registry.unregisterHandler(each.factory, each.required)
