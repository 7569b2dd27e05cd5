"""What people see of jobs and do to them, whichever page, form or request they use.

Everything here asks whether whoever is logged in may do it, and writes down what was
changed.  The surfaces (``browser``, ``restapi``, ``zmi``) know no other way to the jobs.
"""

from plone.app.taskqueue.administration.administration import Administration
from plone.app.taskqueue.administration.errors import ActionError
from plone.app.taskqueue.administration.errors import InputError
from plone.app.taskqueue.administration.filters import GROUPS
from plone.app.taskqueue.administration.filters import JobFilter


__all__ = ["GROUPS", "ActionError", "Administration", "InputError", "JobFilter"]
