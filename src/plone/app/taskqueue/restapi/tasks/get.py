"""``GET @tasks``: services and their tasks; ``@tasks/SERVICE``, ``@tasks/SERVICE/TASK``."""

from plone.app.taskqueue.interfaces import ISiteTaskService
from plone.app.taskqueue.restapi.problems import not_found
from plone.app.taskqueue.restapi.serializing import chosen
from plone.app.taskqueue.restapi.service import JobService
from plone.app.taskqueue.restapi.tasks.jsonschema import input_schema_as_json
from typing import Any
from urllib.parse import quote
from zope.i18n import translate


_SERVICE = (
    "id",
    "path",
    "title",
    "user",
    "user_folder",
    "runs_as_me",
    "processing",
    "jobs",
    "can_use",
    "can_manage",
    "can_plan",
)
_TASK = (
    "name",
    "title",
    "description",
    "wants_context",
    "wants_user",
    "run_as",
    "user",
    "timeout",
)


class TasksGet(JobService):
    """Services are shown to those who may use, manage or plan in them."""

    def answer(self) -> dict[str, Any]:
        admin = self.administration
        if not self.names:
            items = [self._service(service) for service in admin.services()]
            return {
                "@id": f"{self.site_url}/@tasks",
                "items": items,
                "items_total": len(items),
            }
        name, *parts = self.names
        try:
            service = admin.service(name)
            if not parts:
                return self._service(service)
            return self._task(service, admin.describe_task(service, "/".join(parts)))
        except LookupError as error:
            raise not_found(str(error.args[0])) from None

    def _service(self, service: ISiteTaskService) -> dict[str, Any]:
        admin = self.administration
        return {
            "@id": self._url(service),
            **chosen(admin.describe_service(service), _SERVICE),
            "tasks": [self._task(service, task) for task in admin.tasks(service)],
        }

    def _task(self, service: ISiteTaskService, task: dict[str, Any]) -> dict[str, Any]:
        words = {
            name: translate(task[name], context=self.request)
            for name in ("title", "description")
        }
        return {
            "@id": self._url(service, task["name"]),
            **chosen(task | words, _TASK),
            "input_schema": input_schema_as_json(
                self.administration.input_schema(service, task["name"]),
                task["fields"],
                self.site,
                self.request,
            ),
        }

    def _url(self, service: ISiteTaskService, *names: str) -> str:
        parts = [quote(each, safe="") for each in (service.getId(), *names)]
        return "/".join([self.site_url, "@tasks", *parts])
