"""The server extension."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from jupyter_server.extension.application import ExtensionApp
from jupyter_server.utils import url_path_join
from tornado.ioloop import PeriodicCallback
from traitlets import Float, Unicode

from jupyter_modeldeploy.api import routes
from jupyter_modeldeploy.errors import ModelDeployError
from jupyter_modeldeploy.server import proxy
from jupyter_modeldeploy.server.handlers import OpenAPIHandler, OperationHandler, UnknownHandler
from jupyter_modeldeploy.server.watch import Watch
from jupyter_modeldeploy.settings import PREFIX
from jupyter_modeldeploy.workspace import Workspace

THREADS = 16


class ModelDeployApp(ExtensionApp):
    """`c.ModelDeployApp` in `jupyter_server_config.py` sets it up."""

    name = "jupyter_modeldeploy"
    extension_url = "/modeldeploy"
    load_other_extensions = True

    root = Unicode("", config=True, help="The workspace's folder; if empty, that of the environment.")
    activity_interval = Float(60.0, config=True, help="Seconds between looks for jobs, which keep a server alive.")

    def initialize_settings(self) -> None:
        if self.root:
            os.environ[PREFIX + "ROOT"] = self.root  # the kernels that this server starts open the same workspace
        self.workspace = Workspace()
        self.executor = ThreadPoolExecutor(THREADS, thread_name_prefix="modeldeploy")
        self.watch = Watch(self.workspace, self.executor)
        self.log.info("modeldeploy's workspace: %s", self.workspace.store.root)
        self._activity = PeriodicCallback(self._note_activity, self.activity_interval * 1000)
        self._activity.start()
        self.executor.submit(self._resume_services)

    def initialize_handlers(self) -> None:
        shared = {"workspace": self.workspace, "executor": self.executor, "watch": self.watch}
        for path, operations in routes.by_path().items():
            handler_arguments = {"operations": operations, **shared}
            self.handlers.append((_below_the_api(routes.pattern(path)), OperationHandler, handler_arguments))
        self.handlers.append((_below_the_api(routes.DESCRIPTION), OpenAPIHandler))
        self.handlers.append((_below_the_api(".*"), UnknownHandler))
        self.handlers.extend(proxy.handlers(self.workspace, self.executor))

    async def stop_extension(self) -> None:
        self._activity.stop()
        self.watch.close()
        self.executor.shutdown(wait=False, cancel_futures=True)
        self.workspace.close()

    def _resume_services(self) -> None:
        """After a restart of the machine, start again the services that want it, and watch their experiments again."""
        try:
            for service in self.workspace.services.resume():
                self.log.info("modeldeploy's service %s is ready again: %s", service.name, service.url)
            for experiment in self.workspace.experiments.resume():
                self.log.info("modeldeploy's experiment %s is watched again", experiment.id)
        except ModelDeployError as error:
            self.log.warning("modeldeploy's services were not started again: %s", error)

    async def _note_activity(self) -> None:
        """A job at work keeps a hub from culling the server as idle; one whose worker died does not."""
        if await asyncio.get_running_loop().run_in_executor(self.executor, self.workspace.jobs.at_work):
            assert self.serverapp is not None
            self.serverapp.web_app.settings["last_activity_times"]["modeldeploy"] = datetime.now(UTC)


def _below_the_api(expression: str) -> str:
    return url_path_join("/modeldeploy/api", expression)
