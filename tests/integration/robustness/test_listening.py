"""Nothing listens beyond this machine: neither over HTTP nor gRPC, in no process of a service."""

from __future__ import annotations

import ipaddress
import stat
from pathlib import Path

import psutil
import pytest
import tiny_onnx
from serving_service import Served, add, spec

from jupyter_modeldeploy import processes
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.records import Service
from jupyter_modeldeploy.serving import lifecycle
from jupyter_modeldeploy.store import Store


def open_ports(service: Service) -> dict[int, str]:
    """Each port that a process of the service listens on, or receives datagrams on, and its address."""
    assert service.process is not None
    connections = [
        connection
        for process in processes.group(service.process)
        for connection in psutil.Process(process.pid).net_connections("inet")
    ]
    return {
        connection.laddr.port: connection.laddr.ip
        for connection in connections
        if connection.status in (psutil.CONN_LISTEN, psutil.CONN_NONE)
    }


def is_loopback(address: str) -> bool:
    """Also for an IPv4 address in IPv6's form, in which grpcio binds."""
    ip = ipaddress.ip_address(address)
    return (getattr(ip, "ipv4_mapped", None) or ip).is_loopback


def test_a_service_listens_on_its_two_ports_of_this_machine_alone(served: Served) -> None:
    ports = open_ports(served.service)
    grpc_port = int(str(served.service.grpc_url).rpartition(":")[2])
    assert set(ports) == {served.port, grpc_port}
    assert all(is_loopback(address) for address in ports.values()), ports


def test_a_unix_socket_is_its_owners_and_there_is_no_port(store: Store, tmp_path: Path) -> None:
    add(store, "adder", tiny_onnx.add_one(tmp_path / "adder"))
    path = tmp_path / "own" / "service.sock"
    path.parent.mkdir(mode=0o700)
    service = lifecycle.start(store, spec("own", ("adder", [1.0]), unix_socket=str(path)), "tester")
    try:
        assert open_ports(service) == {}
        assert stat.S_ISSOCK(path.stat().st_mode)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    finally:
        lifecycle.stop(store, "own")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.0.2.1", "example.org"])
def test_no_other_address_is_taken(store: Store, tmp_path: Path, host: str) -> None:
    add(store, "adder", tiny_onnx.add_one(tmp_path / "adder"))
    with pytest.raises((InvalidInput, ValueError)):
        lifecycle.start(store, spec("own", ("adder", [1.0]), host=host, grpc_port=0), "tester")
