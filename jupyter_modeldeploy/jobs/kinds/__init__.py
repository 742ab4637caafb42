"""The kinds of jobs, one file each: what they take, what they do with the capabilities, what they leave."""

from __future__ import annotations

from jupyter_modeldeploy.jobs.context import Kind
from jupyter_modeldeploy.jobs.kinds import compare, convert, dataset, evaluate, fetch, finetune, profile, quantize

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        fetch.KIND,
        dataset.KIND,
        finetune.KIND,
        convert.KIND,
        quantize.KIND,
        evaluate.KIND,
        profile.KIND,
        compare.KIND,
    )
}
