"""A kernel of its own process, into which a test types cells as a person does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager, start_new_kernel

DEADLINE_S = 240


@dataclass
class Cell:
    """What a cell gave: what it wrote and displayed as text, the same as HTML and Markdown, and its error."""

    text: str = ""
    rich: str = ""
    error: str = ""
    value: str = ""


class Notebook:
    """A kernel with the extension loaded."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self._manager = manager
        self._client = client

    def run(self, source: str, interrupt: bool = False) -> Cell:
        """Run a cell to its end; with `interrupt`, which comes once it has displayed something."""
        asked = self._client.execute(source)
        cell = Cell()
        while True:
            message = self._client.get_iopub_msg(timeout=DEADLINE_S)
            if message["parent_header"].get("msg_id") != asked:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "stream" and content["name"] == "stdout":
                cell.text += content["text"]
            elif kind == "display_data":
                if interrupt:
                    self._manager.interrupt_kernel()
                cell.text += content["data"]["text/plain"] + "\n"
                cell.rich += content["data"].get("text/html", "") + content["data"].get("text/markdown", "")
            elif kind == "execute_result":
                cell.value = content["data"]["text/plain"]
            elif kind == "error":
                cell.error = "\n".join([content["ename"], *content["traceback"]])
            elif kind == "status" and content["execution_state"] == "idle":
                return cell

    def completed(self, source: str) -> list[str]:
        """What Tab makes of the source."""
        asked = self._client.complete(source)
        while (reply := self._client.get_shell_msg(timeout=DEADLINE_S))["parent_header"].get("msg_id") != asked:
            pass
        content = reply["content"]
        return [source[: content["cursor_start"]] + match for match in content["matches"]]


@contextmanager
def magics() -> Iterator[Notebook]:
    """A notebook with the extension loaded, in the workspace of this test."""
    manager, client = start_new_kernel(startup_timeout=DEADLINE_S, kernel_name="python3")
    try:
        notebook = Notebook(manager, client)
        assert notebook.run("%load_ext jupyter_modeldeploy").error == ""
        yield notebook
    finally:
        client.stop_channels()
        manager.shutdown_kernel()
