"""The tab of the services and their tasks."""

from plone.app.taskqueue import _
from plone.app.taskqueue.administration import InputError
from plone.app.taskqueue.administration.access import ADD_SERVICES
from plone.app.taskqueue.browser.controlpanel.base import ControlPanelView
from Products.Five.browser.pagetemplatefile import ViewPageTemplateFile
from typing import Any

import functools


class ServicesAndTasks(ControlPanelView):
    """``@@taskqueue-tasks``."""

    template = ViewPageTemplateFile("tasks.pt")
    tab = "taskqueue-tasks"
    buttons = {
        "form.button.Start": "start",
        "form.button.Stop": "stop",
        "form.button.Add": "add",
    }
    #: What is wrong with the id of a service that was to be added.
    wrong_id: Any = None

    def start(self) -> None:
        service = self._service()
        self.admin.start_processing(service)
        self.tell(
            _(
                "message_service_started",
                default="A thread of this process runs the jobs of ${service}.",
                mapping={"service": service.getId()},
            )
        )

    def stop(self) -> None:
        service = self._service()
        self.admin.stop_processing(service)
        self.tell(
            _(
                "message_service_stopped",
                default="No thread of this process runs the jobs of ${service} any more.",
                mapping={"service": service.getId()},
            )
        )

    def add(self) -> Any:
        try:
            service = self.admin.add_service(
                self.text("service_id"),
                self.text("title"),
                self.text("user") == "me",
            )
        except InputError as error:
            self.wrong_id = error.errors["id"]
            self.request.response.setStatus(400)
            return self.show()
        self.tell(
            _(
                "message_service_added",
                default="The task service ${service} is added.",
                mapping={"service": service.getId()},
            )
        )
        return None

    def _service(self) -> Any:
        with self.missing():
            return self.admin.service(self.text("service"))

    @functools.cached_property
    def services(self) -> list[dict[str, Any]]:
        return [
            {
                **self.admin.describe_service(service),
                "tasks": self.admin.tasks(service),
            }
            for service in self.admin.services()
        ]

    @functools.cached_property
    def may_add(self) -> bool:
        return self.admin.access.may(ADD_SERVICES)
