"""What comes into the browser from the desktop around it."""

from __future__ import annotations

import base64
from pathlib import Path

from playwright.sync_api import JSHandle, Page


def dragged(page: Page, file: Path) -> JSHandle:
    """A file as it comes from the desktop."""
    return page.evaluate_handle(
        """([name, content]) => {
            const bytes = Uint8Array.from(atob(content), one => one.charCodeAt(0));
            const dragged = new DataTransfer();
            dragged.items.add(new File([bytes], name, { type: 'image/png' }));
            return dragged;
        }""",
        [file.name, base64.b64encode(file.read_bytes()).decode()],
    )
