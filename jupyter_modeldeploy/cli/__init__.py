"""The command line `modeldeploy`: a thin door over the API's table of operations.

Only Typer is loaded to show help; a command loads what it needs when it runs."""

from __future__ import annotations


def main() -> None:
    """Run the command that `sys.argv` names; never returns."""
    import logging

    from jupyter_modeldeploy.cli.app import app

    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
    app(prog_name="modeldeploy")
