"""Which changes are worth a trial: one rule each, from the evidence alone. What a change gains is not said here: a
trial measures that, and what gains nothing is no advice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from jupyter_modeldeploy.profiling.advice.evidence import Evidence
from jupyter_modeldeploy.records.service_reports import AdviceAction, Cause

LEAST_FLOAT_SHARE = 0.3
LEAST_PREPARATION = 0.2
LEAST_NEEDED = 0.7
LEAST_JSON_SHARE = 0.05
LEAST_JSON_BYTES = 4096
IDLE = 0.25

Method = Literal["dynamic-int8", "static-int8"]
Bodies = Literal["binary", "shortened"]


@dataclass(frozen=True)
class Candidate:
    """A change to try: other fields of the service's `spec`, the model's weights in a `quantized` form, or other
    `bodies` of the requests; one of them."""

    cause: Cause
    title: str
    evidence: str
    action: AdviceAction
    spec: dict[str, Any] = field(default_factory=dict)
    quantized: Method | None = None
    bodies: Bodies | None = None
    caution: str = ""


Rule = Callable[[Evidence], "Candidate | None"]


def candidates(evidence: Evidence) -> list[Candidate]:
    """What the rules find, in no order of worth."""
    return [found for rule in RULES if (found := rule(evidence)) is not None]


def float_weights(evidence: Evidence) -> Candidate | None:
    """Multiplications with FP32 weights on a processor that has instructions for INT8."""
    if evidence.format != "onnx" or evidence.float_share < LEAST_FLOAT_SHARE:
        return None
    method: Method = "static-int8" if evidence.conv_share > evidence.float_share / 2 else "dynamic-int8"
    kinds = {kind: share for kind, share in evidence.operators.items() if share >= 0.01}
    largest = max(kinds, key=lambda kind: kinds[kind])
    where = "a processor with INT8 instructions (VNNI or the like)" if evidence.int8_dot else "this processor"
    command = f"modeldeploy quantize {evidence.version}"
    request: dict[str, Any] = {"version": evidence.version}
    if method == "static-int8":
        command += f" --method {method}"
        request["options"] = {"method": method}
    serve = ",".join(["VERSION", *evidence.beside])
    return Candidate(
        cause="float-weights",
        title="Quantize the weights to INT8",
        evidence=f"{evidence.float_share:.0%} of the model's run is in operators of FP32 weights ({largest} alone "
        f"{kinds[largest]:.0%}), on {where}.",
        action=AdviceAction(
            commands=[command, f"modeldeploy services change {evidence.service} --serve {serve}"],
            operation="quantize_model",
            request=request,
            how="The first command names the new VERSION, which the second serves.",
        ),
        quantized=method,
        caution="It may answer a little worse: the quantization measures that on held-out data, where there are any.",
    )


def no_batching(evidence: Evidence) -> Candidate | None:
    """One request a run, while others wait."""
    rows = evidence.layout.max_batch_rows
    if not 0 < rows < evidence.concurrency:
        return None
    said = "Batching is off" if rows == 1 else f"At most {rows} requests share a run"
    return Candidate(
        cause="no-batching",
        title="Let waiting requests share a run",
        evidence=f"{said} (max_batch_rows={rows}), and {evidence.share('queue'):.0%} of a request's time is waiting in "
        f"the queue at {evidence.concurrency} connections.",
        action=_changed(evidence, {"max_batch_rows": 0}),
        spec={"max_batch_rows": 0},
    )


def threads(evidence: Evidence) -> Candidate | None:
    """More threads than cores, or cores that idle since there are too few."""
    layout, cores = evidence.layout, evidence.cores
    if not (layout.instances or layout.threads or layout.replicas > 1):
        return None
    running = layout.threads_in_all(cores)
    if cores >= running and not (running < cores and evidence.idle_share > IDLE):
        return None
    change = {"instances": 0, "threads": 0} | ({"replicas": 1} if layout.replicas > cores else {})
    if running > cores:
        title = "Use as many threads as there are cores"
        told = (
            f"{running} threads compete for {cores} cores: {evidence.switches_per_s:,.0f} times a second one is put "
            "off its core while it has work."
        )
    else:
        title = "Use all cores"
        told = f"{running} of {cores} cores can be used; {evidence.idle_share:.0%} of the cores idle under load."
    return Candidate("threads", title, told, _changed(evidence, change), spec=change)


def preparation(evidence: Evidence) -> Candidate | None:
    """Reading what the model never sees: characters that are cut off, pixels that are scaled away."""
    found = evidence.preparation
    if found is None or found.share < LEAST_PREPARATION or found.needed > LEAST_NEEDED:
        return None
    if found.of == "text":
        title, what = "Send only as much text as the model reads", "The tokenizer"
        lost, how = (
            "of the text is cut off after it",
            f"Cut texts after {found.enough:,} characters before sending them.",
        )
    else:
        title, what = "Send pictures in the model's size", "Decoding and scaling the picture"
        lost, how = "of its pixels are scaled away", f"Scale pictures to {found.enough} pixels on the shorter side."
    return Candidate(
        cause="preparation",
        title=title,
        evidence=f"{what} takes {found.mean_ms:.3g} ms, {found.share:.0%} of the work on a request, and "
        f"{1 - found.needed:.0%} {lost}.",
        action=AdviceAction(how=how),
        bodies="shortened",
        caution="" if found.of == "text" else "Scaling elsewhere changes pixels a little, and with them answers.",
    )


def json_tensors(evidence: Evidence) -> Candidate | None:
    """Numbers sent as text."""
    share = evidence.share("encode", "network")
    if not evidence.json_tensors or evidence.body_bytes < LEAST_JSON_BYTES or share < LEAST_JSON_SHARE:
        return None
    return Candidate(
        cause="json",
        title="Send tensors in binary, not as JSON",
        evidence=f"A request is {evidence.body_bytes / 1000:,.3g} kB of JSON; {evidence.share('encode'):.0%} of its "
        f"time is decoding and encoding, {evidence.share('network'):.0%} the way to the server and back.",
        action=AdviceAction(
            how="Send V2's binary tensors: InferInput.set_data_from_numpy(array, binary_data=True) of tritonclient "
            "does, and modeldeploy profile --binary measures them."
        ),
        bodies="binary",
    )


RULES: tuple[Rule, ...] = (float_weights, no_batching, threads, preparation, json_tensors)


def _changed(evidence: Evidence, spec: dict[str, Any]) -> AdviceAction:
    options = " ".join(f"--{name.replace('_', '-')} {value}" for name, value in spec.items())
    return AdviceAction(
        commands=[f"modeldeploy services change {evidence.service} {options}"],
        operation="change_service",
        request={"name": evidence.service, "spec": spec},
    )
