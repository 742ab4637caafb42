"""What commands print is HTML in a cell: tables are tables, and no text is taken for markup."""

from __future__ import annotations

from rich.text import Text

from jupyter_modeldeploy.cli.tables import table
from jupyter_modeldeploy.magics.html import CellConsole


def test_a_table_is_a_table_beside_its_plain_text() -> None:
    console = CellConsole()
    rows = table("Name", ">Size")
    rows.add_row("<b>", Text("12 B", "red"))
    console.print(rows)
    bundle = console.taken()
    assert bundle is not None
    assert '<th style="text-align: right">Size</th>' in bundle["text/html"]
    assert '<td style="text-align: left">&lt;b&gt;</td>' in bundle["text/html"]
    assert "--jp-error-color1" in bundle["text/html"]
    assert bundle["text/plain"].splitlines()[1].split() == ["<b>", "12", "B"]


def test_text_keeps_its_lines_and_is_taken_once() -> None:
    console = CellConsole()
    console.print("Serve it: ", end="")
    console.print("serve a", style="cyan")
    console.print("x = 1 < 2")
    bundle = console.taken()
    assert bundle is not None
    assert bundle["text/plain"] == "Serve it: serve a\nx = 1 < 2"
    assert "1 &lt; 2" in bundle["text/html"]
    assert console.taken() is None
