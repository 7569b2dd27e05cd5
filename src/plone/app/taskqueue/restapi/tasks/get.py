"""``GET @tasks``: services and their tasks; ``@tasks/SERVICE``, ``@tasks/SERVICE/TASK``."""

from plone.app.taskqueue.interfaces import ISiteTaskService
from plone.app.taskqueue.restapi.problems import not_found
from plone.app.taskqueue.restapi.service import JobService
from plone.app.taskqueue.restapi.tasks.jsonschema import input_schema_as_json
from plone.app.taskqueue.restapi.values import as_json
from typing import Any
from urllib.parse import quote
from zope.i18n import translate


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
            **as_json(admin.describe_service(service)),
            "tasks": [self._task(service, task) for task in admin.tasks(service)],
        }

    def _task(self, service: ISiteTaskService, task: dict[str, Any]) -> dict[str, Any]:
        # The fields are in the schema.
        shown = {name: each for name, each in task.items() if name != "fields"}
        for name in ("title", "description"):
            shown[name] = translate(shown[name], context=self.request)
        return {
            "@id": self._url(service, task["name"]),
            **as_json(shown),
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
