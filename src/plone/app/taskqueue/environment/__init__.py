"""What surrounds a job: captured when it is queued, restored while it runs."""

from plone.app.taskqueue.environment.capture import capture
from plone.app.taskqueue.environment.environment import PloneEnvironment


__all__ = ["PloneEnvironment", "capture"]
