"""All replicas listen on the one gRPC port, which this machine alone can reach."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import numpy as np
import psutil
from grpc_service import GrpcServed, X, tensor
from waiting import until

from jupyter_modeldeploy import processes

Start = Callable[..., GrpcServed]


def listeners(own: GrpcServed) -> dict[int, set[str]]:
    """The addresses at which each server process takes gRPC's connections."""
    assert own.service.process is not None
    supervisor = processes.find(own.service.process)
    assert supervisor is not None
    port = int(own.url.rsplit(":", 1)[1])
    found = {}
    for child in supervisor.children():
        with suppress(psutil.NoSuchProcess):  # it ended meanwhile
            found[child.pid] = {
                connection.laddr.ip.removeprefix("::ffff:")
                for connection in child.net_connections("tcp")
                if connection.laddr.port == port and connection.status == psutil.CONN_LISTEN
            }
    return found


def ask(own: GrpcServed) -> None:
    """A request over a connection of its own."""
    with own.client(channel_args=[("grpc.use_local_subchannel_pool", 1)]) as client:
        np.testing.assert_array_equal(client.infer("adder", [tensor(X)]).as_numpy("y"), X + 1)


def test_replicas_share_the_port(start: Start) -> None:
    own = start(replicas=2)
    assert list(listeners(own).values()) == [{"127.0.0.1"}, {"127.0.0.1"}]
    for _ in range(20):
        ask(own)


def test_a_lost_replica_leaves_the_port_to_the_other(start: Start) -> None:
    own = start(replicas=2)
    lost, kept = listeners(own)
    psutil.Process(lost).kill()
    until(lambda: len({pid for pid, found in listeners(own).items() if found} - {lost}) == 2)
    assert listeners(own)[kept]
    for _ in range(20):
        ask(own)
