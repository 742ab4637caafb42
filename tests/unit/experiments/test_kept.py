"""The file of what was counted: whoever reads and writes it at the same time, and on whatever disk."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from collected_units import BASE, BUYS, CANDIDATE, Kept, exposure, outcome

from jupyter_modeldeploy.errors import Conflict, StorageFull, Unavailable
from jupyter_modeldeploy.experiments import noted
from jupyter_modeldeploy.experiments.collecting import Collector


def test_on_a_full_disk_nothing_is_lost(kept: Kept) -> None:
    kept.fold([exposure(0, "ann", 1)])
    kept.add([exposure(0, f"user {number}", 2) for number in range(3000)])
    connection = sqlite3.connect(kept.file)
    with closing(connection):
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
    kept.limit_pages(pages + 1)
    with pytest.raises(StorageFull, match="the disk is full"):
        kept.collector.fold()
    assert kept.sums("requests") == [1]
    kept.limit_pages(2**30)
    assert kept.collector.fold() == 3000
    assert sum(kept.sums("requests")) == 3001


def test_who_has_not_looked_for_long_reads_all(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noted, "FOLDS", 3)
    monkeypatch.setattr(noted, "ROWS", 5)
    kept.fold([exposure(0, "ann", 1)])
    other = Collector(kept.spool.folder, kept.file)
    with closing(other):
        assert other.observed(BASE, CANDIDATE)[0].sums["requests"].tolist() == [1]
        for second in range(6):
            kept.fold([exposure(0, f"unit {second}", second)])
            assert sum(kept.sums("requests")) == second + 2
        assert sum(other.observed(BASE, CANDIDATE)[0].sums["requests"]) == 7
        kept.fold([exposure(0, f"unit {number}", 9) for number in range(7)])
        assert [sum(one.observed(BASE, CANDIDATE)[0].sums["requests"]) for one in (kept.collector, other)] == [14, 14]


def test_while_another_process_counts_it_is_tried_again(kept: Kept) -> None:
    kept.fold([exposure(0, "ann", 1)])
    assert kept.sums("requests") == [1]
    other = Collector(kept.spool.folder, kept.file)
    kept.add([exposure(0, "ann", 2)], [outcome("ann", 5)])
    other.fold()
    kept.add([exposure(1, "bob", 3)])
    kept.collector.fold()
    queries: list[str] = []
    kept.watch(queries.append)
    assert (kept.sums("requests"), kept.sums("buys")) == ([2], [5])
    assert all("changed_" in query for query in queries if "FROM exposures" in query)
    for reader in (kept.collector, other):
        found = reader.observed(BASE, CANDIDATE, [BUYS])[:2]
        assert [one.sums["requests"].tolist() for one in found] == [[2], [1]]
    with closing(other), closing(sqlite3.connect(kept.file, isolation_level=None)) as busy:
        busy.execute("BEGIN IMMEDIATE")
        kept.do_not_wait()
        kept.add([exposure(0, "ann", 3)])
        with pytest.raises(Unavailable, match="cannot be counted now"):
            kept.collector.fold()
    kept.collector.fold()
    assert kept.sums("requests") == [3]


def test_names_of_segments_that_are_gone_are_forgotten(kept: Kept) -> None:
    for second in range(3):
        kept.fold([exposure(0, "ann", second)])
    with closing(sqlite3.connect(kept.file)) as connection:
        assert connection.execute("SELECT count(*) FROM segments").fetchone() == (1,)


def test_a_look_reads_what_is_new_alone(kept: Kept) -> None:
    kept.fold([exposure(0, f"user {number}", 1) for number in range(500)], [outcome("user 7", 1.0)])
    kept.observed()
    kept.fold([exposure(0, "user 3", 2), exposure(0, "new", 2)], [outcome("user 9", 2.0)])
    queries: list[str] = []
    kept.watch(queries.append)
    assert sorted(kept.sums("buys"))[-2:] == [1, 2]
    told = [query for query in queries if "FROM exposures" in query or "FROM outcomes" in query]
    assert told
    assert all("changed_" in query or "min(metric)" in query for query in told)


@pytest.mark.parametrize("content", ["CREATE TABLE arms (number INTEGER)", "no database" * 400])
def test_a_file_of_another_release_or_a_damaged_one_is_told(tmp_path: Path, content: str) -> None:
    path = tmp_path / "exposures.sqlite"
    if content.startswith("CREATE"):
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(content)
    else:
        path.write_text(content)
    with pytest.raises(Conflict, match=r"What units did .* (another release|not a database)"):
        Collector(tmp_path / "spool", path)


def test_several_may_make_the_file_at_once(tmp_path: Path) -> None:
    def opened(_: int) -> None:
        Collector(tmp_path / "spool", tmp_path / "exposures.sqlite").close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(opened, range(8)))
