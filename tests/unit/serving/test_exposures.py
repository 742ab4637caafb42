"""What is recorded of requests for those who compare versions, and what is not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
import serving_service
import tiny_onnx

from jupyter_modeldeploy import assignment
from jupyter_modeldeploy.experiments import segments, spool
from jupyter_modeldeploy.records import Format, ServiceSpec
from jupyter_modeldeploy.records import Service as Row
from jupyter_modeldeploy.serving import planning
from jupyter_modeldeploy.serving.access import guard
from jupyter_modeldeploy.serving.control import exposures
from jupyter_modeldeploy.serving.endpoint import Endpoint, ModelRoute
from jupyter_modeldeploy.serving.execution.instances import Instances
from jupyter_modeldeploy.serving.execution.served import ServedVersion
from jupyter_modeldeploy.serving.history import revised, rolled_back
from jupyter_modeldeploy.serving.http.replies import Reply
from jupyter_modeldeploy.serving.metrics import Metrics
from jupyter_modeldeploy.serving.plan import PlannedVersion
from jupyter_modeldeploy.serving.supervision.differences import needs_new_processes
from jupyter_modeldeploy.store import Store

BODY = orjson.dumps({"inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP32", "data": [1.0] * 4}]})
BOTH = [{"version": 1, "weight": 3}, {"version": 2, "weight": 1}]


class Service:
    """Versions 1 and 2 of `model`, three to one, whose exposures are recorded."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / spool.FOLDER
        self.instances = Instances(1, 8, 3600.0, asyncio.get_running_loop())
        self.metrics = Metrics(folder, 0)
        self.versions = [self._version(n, tiny_onnx.add_one(folder / f"adder{n}", n)) for n in (1, 2)]
        model = ModelRoute("s", "model", self.versions, [3, 1])
        self.endpoint = Endpoint("s", [model], guard(None), self.instances, self.metrics, 2**20, folder)
        self.configure()

    def configure(
        self,
        stage: int = 1,
        exposures: bool = True,
        fallback: int | None = None,
        stages: dict[str, int] | None = None,
        **fields: Any,
    ) -> None:
        recording = {"exposures": exposures, "attributes": ["Region", "plan"]}
        served = {"model": "model", "arms": BOTH, "fallback": fallback}
        models = [served | {field: fields.pop(field) for field in ("ranges",) if field in fields}]
        spec = {"name": "s", "models": models, "recording": recording, **fields}
        self.endpoint.configure(ServiceSpec.model_validate(spec), stage, stages)

    async def ask(
        self, path: bytes = b"/v2/models/model/infer", body: bytes = BODY, encoding: str = "utf-8", **headers: str
    ) -> Reply:
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        given = {name.replace("_", "-").encode(): value.encode(encoding) for name, value in headers.items()}
        self.endpoint.infer(self.endpoint.routes[path], "alice", given, body, reply.set_result)
        return await reply

    def recorded(self) -> list[dict[str, Any]]:
        """All rows so far, by the names of what is in them."""
        if (recorder := self.endpoint.policy.exposures) is not None:
            recorder.flush()
        names = ("arm", "unit", "request", "at", "microseconds", "failed", "confidence")
        rows = []
        for path in spool.segments(self.folder):
            segment = segments.read(path)
            for row in segment.exposures:
                named = dict(zip((*names, *segment.attributes), row, strict=True))
                rows.append({**named, "arm": segment.arms[named["arm"]]})
        return rows

    def _version(self, number: int, folder: Path) -> ServedVersion:
        planned = PlannedVersion(number=number, weight=1, format=Format.onnx, task="tensor", folder=folder)
        version = ServedVersion("model", planned, self.metrics.version("model", str(number)))
        version.warm_up()
        return version


@pytest.fixture
def run(tmp_path: Path) -> Callable[[Callable[[Service], Awaitable[Any]]], Any]:
    async def main(scenario: Callable[[Service], Awaitable[Any]]) -> Any:
        service = Service(tmp_path)
        try:
            async with asyncio.timeout(120):
                return await scenario(service)
        finally:
            service.instances.close()
            service.endpoint.close()
            await asyncio.sleep(0)

    return lambda scenario: asyncio.run(main(scenario))


def header(reply: Reply, name: bytes) -> str:
    return dict((*reply.headers, *reply.extra_headers)).get(name, b"").decode()


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_a_unit_is_who_its_client_means_in_either_encoding(encoding: str, run: Any) -> None:
    async def scenario(service: Service) -> None:
        for unit in ("René", "Renè"):
            await service.ask(encoding=encoding, x_unit_id=unit)
        assert [row["unit"] for row in service.recorded()] == ["René", "Renè"]

    run(scenario)


def test_a_unit_is_recorded_with_the_version_that_it_got_at_once_and_in_the_queue(run: Any) -> None:
    async def scenario(service: Service) -> None:
        answers = [await service.ask(x_unit_id="ann", x_attribute_region="eu", x_attribute_age="7")]
        answers.append(await service.ask(x_unit_id="ann", x_request_id="r1", x_attribute_plan="x" * 100))
        for row, answer, request in zip(service.recorded(), answers, (None, "r1"), strict=True):
            version = header(answer, b"x-model-version")
            assert row["arm"] == (1, version, {"model@1": 0.75, "model@2": 0.25}[version], "")
            assert (row["unit"], row["request"], row["failed"]) == ("ann", request, 0)
            assert row["microseconds"] > 0
        assert [(row["Region"], row["plan"]) for row in service.recorded()] == [("eu", ""), ("", "x" * 64)]

    run(scenario)


def test_a_row_tells_whose_range_its_unit_is_in_and_since_when_that_is_split_so(run: Any) -> None:
    ranges = [{"name": "x", "namespace": {"id": "n", "end": 0.5}, "arms": [{"version": 1}]}]

    async def scenario(service: Service) -> None:
        service.configure(stage=7, stages={"model": 3, "model/x": 7}, ranges=ranges)
        for number in range(40):
            await service.ask(x_unit_id=f"u{number}", **({} if number % 2 else {"content_encoding": "identity"}))
        for row in service.recorded():
            inside = assignment.in_namespace(row["unit"], "n", (0, 0.5))
            assert row["arm"][0::3] == ((7, "x") if inside else (3, ""))
            assert row["arm"][2] == (1 if inside else {"model@1": 0.75, "model@2": 0.25}[row["arm"][1]])

    run(scenario)


def test_a_request_without_a_unit_is_told_the_id_that_it_is_known_by(run: Any) -> None:
    async def scenario(service: Service) -> None:
        at_once, queued = await service.ask(), await service.ask(content_encoding="identity")
        own = await service.ask(x_request_id="mine")
        given = [header(answer, b"x-request-id") for answer in (at_once, queued, own)]
        assert [row["request"] for row in service.recorded()] == given
        assert given[2] == "mine"
        assert len(set(given)) == 3
        assert all(given)
        assert {row["unit"] for row in service.recorded()} == {None}

    run(scenario)


def test_a_request_that_is_sent_again_gets_the_version_that_it_got(run: Any) -> None:
    async def scenario(service: Service) -> None:
        for number in range(20):
            answers = [await service.ask(x_request_id=f"r{number}") for _ in range(2)]
            assert len({header(answer, b"x-model-version") for answer in answers}) == 1

    run(scenario)


def test_routes_that_name_a_version_are_no_exposures_and_nothing_is_kept_where_nobody_asked(run: Any) -> None:
    async def scenario(service: Service) -> None:
        await service.ask(b"/v2/models/model/versions/2/infer", x_unit_id="ann")
        await service.ask(b"/v2/models/model/versions/2/infer", x_request_id="r")
        service.configure(exposures=False)
        answer = await service.ask()
        assert header(answer, b"x-request-id") == ""
        assert service.recorded() == []

    run(scenario)


def test_where_another_version_answers_it_is_the_chosen_one_that_failed(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(service: Service) -> None:
        service.configure(fallback=2)

        def broken(inputs: Any) -> Any:
            raise RuntimeError

        monkeypatch.setattr(service.versions[0].runtime, "run", broken)
        answers = [await service.ask(x_unit_id=f"u{number}") for number in range(8)]
        assert {header(answer, b"x-model-version") for answer in answers} == {"model@2"}
        failed = {row["arm"][1]: row["failed"] for row in service.recorded()}
        assert failed == {"model@1": 1, "model@2": 0}

    run(scenario)


def test_a_request_that_is_refused_failed_and_so_did_one_whose_sender_left(run: Any) -> None:
    async def scenario(service: Service) -> None:
        assert (await service.ask(body=b"{}", x_unit_id="wrong")).status == 400
        target = service.endpoint.routes[b"/v2/models/model/infer"]
        headers = {b"x-unit-id": b"gone", b"content-encoding": b"identity"}
        service.versions[0]._row_ms = service.versions[1]._row_ms = {"tensors": 1e9, "items": 1e9}
        request = service.endpoint.infer(target, "alice", headers, BODY, lambda answer: None)
        assert request is not None
        service.endpoint.cancel(request)
        assert [(row["unit"], row["failed"]) for row in service.recorded()] == [("wrong", 1), ("gone", 1)]

    run(scenario)


def test_a_new_split_is_a_new_stage_also_for_what_is_under_way(run: Any) -> None:
    async def scenario(service: Service) -> None:
        await service.ask(x_unit_id="ann")
        target = service.endpoint.routes[b"/v2/models/model/infer"]
        headers = {b"x-unit-id": b"late", b"content-encoding": b"identity"}
        service.versions[0]._row_ms = service.versions[1]._row_ms = {"tensors": 1e9, "items": 1e9}
        answered: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        service.endpoint.infer(target, "alice", headers, BODY, answered.set_result)
        service.configure(stage=5)
        await answered
        await service.ask(x_unit_id="ann")
        assert [(row["unit"], row["arm"][0]) for row in service.recorded()] == [("ann", 1), ("late", 1), ("ann", 5)]

    run(scenario)


def test_the_tasks_scores_are_the_confidence() -> None:
    assert exposures.confidence_of([{"score": 0.5}, {"score": 1.0}]) == 0.75
    for none in ([], [{"label": "a"}], [[0.1]], [{"score": "high"}], [{"score": float("nan")}], [{"score": 7}], 3):
        assert exposures.confidence_of(none) is None


def test_beyond_the_room_that_there_is_rows_are_dropped_and_counted(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(service: Service) -> None:
        recorder = service.endpoint.policy.exposures
        assert recorder is not None
        await service.ask(x_unit_id="kept")
        recorder.flush()
        monkeypatch.setattr(recorder._spool, "max_bytes", 100)
        await service.ask(x_unit_id="dropped")
        recorder.flush()
        assert b"exposures_dropped_total 1" in service.metrics.render()
        monkeypatch.setattr(recorder._spool, "max_bytes", 10_000_000)
        await service.ask(x_unit_id="after")
        assert [row["unit"] for row in service.recorded()] == ["kept", "after"]
        assert [segments.read(path).dropped for path in spool.segments(service.folder)] == [0, 1]

    run(scenario)


def test_a_disk_that_cannot_be_written_disturbs_no_request(run: Any) -> None:
    async def scenario(service: Service) -> None:
        recorder = service.endpoint.policy.exposures
        assert recorder is not None
        service.folder.write_text("no folder")
        assert (await service.ask(x_unit_id="ann")).status == 200
        recorder.tick()
        assert (await service.ask(x_unit_id="ann")).status == 200
        service.folder.unlink()
        assert [row["unit"] for row in service.recorded()] == ["ann"]

    run(scenario)


def test_nothing_is_lost_at_the_end_and_segments_show_within_a_second(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(exposures.time, "monotonic", lambda: now)

    async def scenario(service: Service) -> None:
        nonlocal now
        for second in range(3):
            now += exposures.FLUSH_S
            await service.ask(x_unit_id="ann")
            service.endpoint.tick()
            assert len(spool.segments(service.folder)) == second + 1
        now += exposures.UNREAD_S + 1
        service.endpoint.tick()
        await service.ask(x_unit_id="ann")
        service.endpoint.tick()
        assert len(spool.segments(service.folder)) == 3  # nobody reads them
        service.endpoint.close()
        assert len(service.recorded()) == 4

    run(scenario)


def test_the_stage_changes_with_the_split_alone_and_survives_a_stop(store: Store, tmp_path: Path) -> None:
    for _ in range(2):
        serving_service.add(store, "model", tiny_onnx.add_one(tmp_path / "adder"))

    def stage(revision: int, weights: list[float], **fields: Any) -> int:
        plan = planning.plan_of(store, serving_service.spec("s", ("model", weights), **fields), revision)
        planning.write(store, plan)
        return plan.stage

    assert stage(1, [1, 0]) == 1
    assert stage(2, [9, 1]) == 2
    assert stage(3, [9, 1], max_queue=7) == 2
    assert stage(4, [9, 1], instances=2, recording={"exposures": True}) == 2
    assert stage(5, [1, 1], instances=2) == 5


def test_each_split_has_a_stage_of_its_own(store: Store, tmp_path: Path) -> None:
    for name in ("one", "other"):
        for number in (1, 2):
            serving_service.add(store, name, tiny_onnx.add_one(tmp_path / f"{name}{number}"))

    def stages(revision: int, weight: float, *shares: float) -> dict[str, int]:
        models: list[dict[str, Any]] = [{"model": name, "arms": BOTH} for name in ("one", "other")]
        models[1]["arms"] = [{"version": 1, "weight": weight}, {"version": 2, "weight": 1}]
        models[0]["ranges"] = [
            {
                "name": name,
                "namespace": {"id": "n", "start": at / 2, "end": (at + 1) / 2},
                "arms": [{"version": 1, "weight": 1 - share}, {"version": 2, "weight": share}],
            }
            for at, (name, share) in enumerate(zip("xy", shares, strict=False))
        ]
        spec = ServiceSpec.model_validate({"name": "s", "models": models})
        plan = planning.plan_of(store, spec, revision)
        planning.write(store, plan)
        return plan.stages

    assert stages(1, 1) == {"one": 1, "other": 1}
    assert stages(2, 1, 0.1) == {"one": 1, "one/x": 2, "other": 1}
    assert stages(3, 1, 0.1, 0.5) == {"one": 1, "one/x": 2, "one/y": 3, "other": 1}
    assert stages(4, 3, 0.2, 0.5) == {"one": 1, "one/x": 4, "one/y": 3, "other": 4}
    assert planning.stage(store, "s", "one/y") == 3


def test_recording_is_taken_over_by_running_processes_and_left_by_a_rollback() -> None:
    first = serving_service.spec("s", ("model", [1, 0]))
    split = serving_service.spec("s", ("model", [9, 1]), recording={"exposures": True})
    assert not needs_new_processes(*({"spec": one.model_dump(), "models": []} for one in (first, split)))
    service = Row(name="s", spec=first, state="ready", owner="a", created_at=datetime.now(UTC))
    back = rolled_back(revised(service, split)).spec
    assert (back.models, back.recording.exposures) == (first.models, True)


def test_very_long_units_are_known_by_a_digest() -> None:
    assert spool.unit_name("ü" * 64) == "ü" * 64
    assert spool.unit_name("ü" * 65).startswith("blake2b:")
    assert spool.unit_name("a" * 200) != spool.unit_name("a" * 201)
