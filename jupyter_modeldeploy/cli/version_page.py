"""All that is known of one version, on one page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_modeldeploy.amounts import percent, size
from jupyter_modeldeploy.cli import evaluation_page, safety, views
from jupyter_modeldeploy.cli.door import Door, printable
from jupyter_modeldeploy.cli.tables import table

if TYPE_CHECKING:
    from jupyter_modeldeploy.api.operations import VersionPage
    from jupyter_modeldeploy.records import Facts, Signature, TensorSpec

SHOWN_FILES, SHOWN_CLASSES, SHOWN_CARD_LINES = 20, 12, 15


def show(door: Door, page: VersionPage) -> None:
    told = page.facts
    lineage = page.lineage
    origin = lineage.parent or lineage.source
    door.out.print(
        views.fact_rows(
            {
                "Version": page.ref,
                "Task": page.task,
                "Format": page.format,
                "Framework": _framework(told) if told else None,
                "Parameters": _parameters(told) if told else None,
                "Memory": f"{size(told.memory_bytes)} for the parameters" if told and told.memory_bytes else None,
                "Embedding": _embedding(told) if told else None,
                "Classes": _classes(page.classes),
                "Licence": told.license if told else None,
                "Made": f"{lineage.step} from {origin}" if origin else str(lineage.step),
                "Dataset": lineage.dataset,
                "Accuracy": percent(page.metrics["accuracy"]) if "accuracy" in page.metrics else None,
                "Files": f"{len(page.files)}, {size(page.size_bytes)}",
                "Note": told.note if told else None,
            }
        )
    )
    views.tell_deprecated(door, page.deprecated, page.ref)
    if page.evaluation is not None:
        evaluation_page.show(door, page.evaluation, before=page.evaluation.beside or "Before")
    _show_signature(door, page.signature)
    _show_files(door, page)
    _show_card(door, page)
    safety.tell(door, [page])


def _framework(told: Facts) -> str:
    return ", ".join(part for part in (told.framework, told.architecture) if part)


def _parameters(told: Facts) -> str | None:
    if told.parameters is None:
        return None
    return f"{told.parameters:,}" + (f", most {told.dtype}" if told.dtype else "")


def _embedding(told: Facts) -> str | None:
    if (made := told.embedding) is None:
        return None
    parts = [f"{made.dimensions} numbers" if made.dimensions else "", f"pooled by {made.pooling}"]
    parts += ["of length 1" if made.normalized else "not normalised"]
    parts += [f"of at most {made.max_tokens} tokens" if made.max_tokens else ""]
    return ", ".join(part for part in parts if part)


def _classes(classes: list[str] | None) -> str | None:
    if not classes:
        return None
    more = f" and {len(classes) - SHOWN_CLASSES} more" if len(classes) > SHOWN_CLASSES else ""
    return ", ".join(classes[:SHOWN_CLASSES]) + more


def _show_signature(door: Door, signature: Signature | None) -> None:
    if signature is None:
        return
    rows = table("", "Tensor", "Type", "Shape")
    for way, specs in (("in", signature.inputs), ("out", signature.outputs)):
        for spec in specs:
            rows.add_row(way, printable(spec.name), spec.dtype, _shape(spec))
    door.out.print()
    door.out.print(rows)


def _shape(spec: TensorSpec) -> str:
    """`[any, 384]`"""
    return f"[{', '.join('any' if length < 0 else str(length) for length in spec.shape)}]"


def _show_files(door: Door, page: VersionPage) -> None:
    rows = table("File", ">Size", "SHA-256")
    for file in sorted(page.files, key=lambda file: -file.size)[:SHOWN_FILES]:
        rows.add_row(printable(file.path), size(file.size), file.sha256[:12])
    door.out.print()
    door.out.print(rows)
    if len(page.files) > SHOWN_FILES:
        door.out.print(f"and {len(page.files) - SHOWN_FILES} smaller ones", style="dim")


def _show_card(door: Door, page: VersionPage) -> None:
    lines = [line.rstrip() for line in (page.card_text or "").splitlines()]
    if not lines or page.facts is None:
        return
    door.out.print()
    door.out.print(printable("\n".join(lines[:SHOWN_CARD_LINES])))
    if len(lines) > SHOWN_CARD_LINES:
        door.out.print(f"… the rest is in {page.facts.card}", style="dim")
