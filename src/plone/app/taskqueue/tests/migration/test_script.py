"""Moving with a script, in a process of Zope that has none of the old classes."""

from OFS.Folder import Folder
from plone.app.taskqueue.service import SiteTaskService
from plone.app.taskqueue.tests.migration.old import installed
from plone.app.taskqueue.tests.migration.old import Old
from plone.app.taskqueue.tests.service.test_autostart import application
from plone.app.taskqueue.tests.service.test_autostart import TASK_ZCML
from plone.app.taskqueue.tests.service.test_startup import instance
from plone.app.taskqueue.tests.service.test_startup import run_script
from plone.app.taskqueue.tests.service.test_startup import SITE_ZCML

import transaction


__all__ = ["instance"]  # a fixture

SCRIPT = """
from Acquisition import aq_base
from plone.app.taskqueue.migration import find_services, move, remove_old
import transaction

for old in find_services(app._p_jar):
    report, more = None, True
    while more:
        report = move(old, app.tasks, limit=1)
        transaction.commit()
        print("portion", report)
        more = report.more
    print(type(aq_base(app.intranet.remote)).__module__, old.path)
    remove_old(app.intranet, old)
    transaction.commit()
"""


def test_a_script_moves_what_it_can_in_portions_and_removes_the_rest(instance):
    zcml = SITE_ZCML.replace("</configure>", TASK_ZCML)
    (instance / "etc" / "site.zcml").write_text(zcml)
    with installed(), application(instance) as app:
        app._setObject("tasks", SiteTaskService("tasks"))
        # No handler of ours is registered in the process of the tests.
        app.tasks.folder_path = ""
        app._setObject("intranet", Folder("intranet"))
        old = Old("five.taskqueue")
        old.service.id = "remote"
        app.intranet._setObject("remote", old.service)
        for number, task in ((3, "log"), (2, "print"), (1, "log")):
            old.add(number, task, number)
        transaction.commit()
    script = instance / "move_jobs.py"
    script.write_text(SCRIPT)
    conf = str(instance / "zope.conf")
    printed = run_script(
        instance, "-m", "Zope2.utilities.zconsole", "run", conf, str(script)
    )
    assert printed.count("portion") == 2
    assert "Job 2 was not moved: there is no task 'print'" in printed
    assert "five.taskqueue.service ('intranet', 'remote')" in printed
    with application(instance) as app:
        assert [job.id for job in app.tasks._queue] == [3, 1]
        assert app.intranet.objectIds() == []
