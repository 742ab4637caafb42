"""The data plane beside FastAPI, MLServer, KServe, LitServe, BentoML, Ray Serve, Triton and the model alone.

    python benchmarks/serving.py [--rounds 3] [--seconds 4] [--only tiny,grpc] [--peers fastapi,triton]

Three models (tiny, MiniLM, ResNet-50) over JSON, binary tensors and gRPC; loads are made by wrk and h2load on the same
machine, in rounds in which each server has its turn. Ours runs with everything on: the token is checked, versions are
routed, metrics are counted; the cache is off. Each peer is installed into an environment of its own below `build/` and
runs the same model file with the same threads (`serving_bench/peers.py` says how each is set up). Writes
`benchmarks/results/serving.json`; a run of some parts changes the figures of those parts alone. docs/benchmarks.md says
how to read it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from serving_bench import generators, lifetime, report, results, rounds, shapes
from serving_bench.cells import by_shape
from serving_bench.generators import RequestsFailedError
from serving_bench.ours import Ours
from serving_bench.peers import PEERS_BY_NAME
from serving_bench.places import RESULT
from serving_bench.samples import Samples
from serving_bench.servers import FailedToServeError, Server
from serving_bench.targets import PARTS


def main() -> None:
    wanted = arguments()
    if not sys.platform.startswith("linux"):
        sys.exit("This benchmark reads /proc: it needs Linux.")
    generators.check_installed()
    shapes.make()
    samples, load_before = Samples(), os.getloadavg()[0]
    peers = [PEERS_BY_NAME[name] for name in wanted.peers] if COMPARED.intersection(wanted.only) else []
    compared, versions = rounds.prepare([Ours(), *peers], samples)
    done: list[str] = []
    failure = None
    for parts, measure in steps(wanted, compared, samples):
        try:
            measure()
        except (FailedToServeError, RequestsFailedError) as error:
            failure = f"Our own service failed in {', '.join(parts)}: {error}"
        else:
            done += parts
    found = results.Results(samples, versions, done, wanted.peers, wanted.rounds, wanted.seconds, load_before)
    report.show(found)
    found.merge_into_file(wanted.out)
    sys.exit(failure)


def steps(
    wanted: argparse.Namespace, compared: Sequence[Server], samples: Samples
) -> Iterator[tuple[list[str], Callable[[], None]]]:
    """What measures the parts that are wanted; those of one model are measured together."""
    for shape, cells in by_shape(wanted.only).items():
        run = partial(rounds.measure, shape, cells, compared, wanted.rounds, wanted.seconds, samples)
        yield list(dict.fromkeys(cell.part for cell in cells)), run
    alone = {
        "ready": partial(lifetime.ready, samples, wanted.rounds),
        "memory": partial(lifetime.memory, samples, compared),
        "replicas": partial(lifetime.replicas, samples, wanted.rounds, wanted.seconds),
        "soak": partial(lifetime.soak, samples, wanted.soak_seconds),
    }
    yield from (([part], run) for part, run in alone.items() if part in wanted.only)


COMPARED = frozenset(("tiny", "grpc", "minilm", "resnet", "memory"))
"""The parts in which the peers have turns."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Measure the data plane beside other servers and the model alone.",
        epilog=f"Parts: {', '.join(PARTS)}. Peers: {', '.join(PEERS_BY_NAME)}.",
    )
    parser.add_argument("--rounds", type=int, default=3, help="turns of each server (3)")
    parser.add_argument("--seconds", type=float, default=4, help="the length of a measurement (4)")
    parser.add_argument("--only", type=_listed(PARTS), help="these parts (all but the soak)", metavar="PART,…")
    parser.add_argument(
        "--peers", type=_listed(tuple(PEERS_BY_NAME)), help="beside these peers (all)", metavar="PEER,…"
    )
    parser.add_argument("--soak-seconds", type=float, default=600, help="how long the soak is watched (600)")
    parser.add_argument("--out", type=Path, default=RESULT, help="the file of results that this run's are merged into")
    parser.set_defaults(only=[part for part in PARTS if part != "soak"], peers=list(PEERS_BY_NAME))
    return parser.parse_args()


def _listed(known: Sequence[str]) -> Callable[[str], list[str]]:
    def read(text: str) -> list[str]:
        names = text.split(",")
        if unknown := [name for name in names if name not in known]:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: not one of {', '.join(known)}")
        return names

    return read


if __name__ == "__main__":
    main()
