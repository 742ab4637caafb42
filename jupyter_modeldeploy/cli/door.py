"""What every command works with: the workspace, the API's operations, and how to answer."""

from __future__ import annotations

import json
import logging
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from jupyter_modeldeploy.errors import InvalidInput, ModelDeployError

if TYPE_CHECKING:
    from pydantic import BaseModel
    from rich.console import Console

    from jupyter_modeldeploy.records import Job
    from jupyter_modeldeploy.workspace import JobHandle, Workspace

    ShowJob = Callable[[Job], None]

View = Callable[["Door", Any], None]
"""Shows one of the API's responses to a person."""

INTERRUPTED = 130


class Door:
    """One call of the command line. `root` and `verbose` are the global options; `json` is the command's own."""

    def __init__(self, root: Path | None = None, verbose: bool = False) -> None:
        self.root = root
        self.verbose = verbose
        self.json = False

    @cached_property
    def workspace(self) -> Workspace:
        from jupyter_modeldeploy.workspace import Workspace

        return Workspace(self.root)

    @cached_property
    def out(self) -> Console:
        return _console(stderr=False)

    @cached_property
    def err(self) -> Console:
        return _console(stderr=True)

    def call(self, name: str, /, **fields: Any) -> Any:
        """The response of the API's operation `name`, the same that the HTTP door gives."""
        from jupyter_modeldeploy.api.operations import OPERATIONS

        operation = next(operation for operation in OPERATIONS if operation.name == name)
        return operation.call(self.workspace, operation.parse(fields))

    def show(self, response: BaseModel, view: View) -> None:
        """Answer: one line of JSON with `--json`, else through `view`."""
        if self.json:
            self.write(f"{response.model_dump_json()}\n")
        else:
            view(self, response)

    def write(self, text: str) -> None:
        """Answer with exactly this text, for a program to read or a person to copy."""
        print(text, end="", flush=True)

    def given(self) -> str:
        """What comes on standard input."""
        return sys.stdin.read()

    def follow(self, handle: JobHandle) -> AbstractContextManager[ShowJob | None]:
        """Show how far a job is: inside, what is given is to be called with the job as it goes on."""
        from jupyter_modeldeploy.cli import waiting

        return waiting.shown(self, handle.job)

    def submitted(self, handle: JobHandle) -> None:
        """Say that a job goes on, which nobody waits for here."""
        self.show(handle.job, _submitted)

    def hand_over(self, secret: str, note: str = "") -> None:
        """Answer with what only the reader may know, and with a note on it that is no part of it."""
        self.write(f"{secret}\n")
        if note:
            self.err.print(note, style="dim")

    def command(self, text: str) -> str:
        """A command for the reader to type here, in this workspace."""
        return self.in_shell(text)

    def in_shell(self, text: str) -> str:
        """A command as a part of a shell's line."""
        root = f"--root {shlex.quote(str(self.root))} " if self.root else ""
        return f"modeldeploy {root}{text}"

    def suggest(self, what: str, command: str) -> None:
        """Say what to do next."""
        self.out.print(f"{what}: ", end="")
        self.out.print(self.command(command), style="cyan", soft_wrap=True)

    def tell(self, line: str) -> None:
        """A line for a person; nothing with `--json`."""
        if not self.json:
            self.out.print(printable(line), soft_wrap=True)

    def warn(self, message: str) -> None:
        self.err.print(f"Warning: {message}", style="yellow")

    def fail(self, error: ModelDeployError, status: int = 1) -> NoReturn:
        """Say on stderr what went wrong and what to do, and end with the exit status `status`."""
        if self.json:
            print(json.dumps(error.body()), file=sys.stderr)
        else:
            self.err.print(printable(error.message), style="red", soft_wrap=True)
            if error.hint:
                self.err.print(printable(error.hint), soft_wrap=True)
        raise typer.Exit(status)

    @contextmanager
    def answering(self, as_json: bool) -> Iterator[None]:
        """Turn what goes wrong inside into a message and an exit status."""
        from pydantic import ValidationError

        self.json = as_json
        logger = logging.getLogger("jupyter_modeldeploy")
        before, quiet = logger.level, logging.ERROR if as_json else logging.WARNING
        logger.setLevel(logging.INFO if self.verbose else quiet)
        try:
            yield
        except ModelDeployError as error:
            self.fail(error)
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
            self.fail(InvalidInput(f"{wrong}.", "See --help."))
        except KeyboardInterrupt:
            hint = f"What was started goes on: {self.command('jobs list')}, {self.command('services list')}"
            self.fail(Interrupted("Interrupted.", hint), INTERRUPTED)
        finally:
            logger.setLevel(before)
            self.close()

    def close(self) -> None:
        """Let go of what was opened."""
        if "workspace" in self.__dict__:
            self.workspace.close()


class Interrupted(ModelDeployError):
    """The reader pressed Ctrl-C."""

    code = "interrupted"


def printable(text: str) -> str:
    """Text from elsewhere with its control characters written out, so that it cannot steer the terminal."""
    return "".join(letter if letter.isprintable() or letter in "\n\t" else repr(letter)[1:-1] for letter in text)


def _submitted(door: Door, job: Job) -> None:
    door.out.print(job.id)
    door.err.print(f"Follow it: {door.command(f'jobs wait {job.id}')}", soft_wrap=True)


def _console(stderr: bool) -> Console:
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, markup=False, emoji=False)
