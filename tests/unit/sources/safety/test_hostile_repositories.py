"""Every hostile repository is refused or kept in quarantine, with its reason, and nothing of it runs."""

from __future__ import annotations

import contextlib
import re
import warnings
from pathlib import Path

import hostile_repositories
import pytest
from hostile_repositories import CASES

from jupyter_modeldeploy import loader
from jupyter_modeldeploy.errors import InvalidInput, UnsafeContent
from jupyter_modeldeploy.store import Store


@pytest.mark.parametrize("name", CASES)
def test_it_is_kept_out_with_its_reason_and_nothing_of_it_runs(name: str, store: Store, tmp_path: Path) -> None:
    make, reason = CASES[name]
    marker = tmp_path / "ran"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of torch's own formats, which are made here
        warnings.simplefilter("ignore", UserWarning)  # of a zip that holds a name twice
        found = hostile_repositories.fetch(
            store, make, tmp_path / "made" / "repository", hostile_repositories.payload(marker)
        )
    assert found.kind in ("refused", "quarantined"), found
    assert re.search(reason, found.reason), found.reason
    if found.ref is not None:
        check_nothing_loads_it(store, found.ref)
    else:
        assert store.models.list() == [], "nothing is half registered"
    assert not marker.exists(), "the payload ran"
    assert not (tmp_path / "escaped").exists()


def check_nothing_loads_it(store: Store, ref: str) -> None:
    """Neither its path nor a loader is had; nor does a loader run anything when it is written for a trusted version."""
    version = store.versions.get(ref)
    with pytest.raises(UnsafeContent, match="is in quarantine"):
        store.versions.path(version)
    with pytest.raises(UnsafeContent, match="quarantine"):
        loader.generate(version, store.versions.folder(version))
    trusted = store.versions.trust(ref, "to see what its loader would be")
    with contextlib.suppress(InvalidInput):  # most of them are no whole model
        loader.generate(trusted, store.versions.path(trusted))
    store.versions.distrust(ref)
