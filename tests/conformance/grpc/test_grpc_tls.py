"""With a certificate, HTTP and gRPC speak TLS 1.2 or newer and nothing else."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import grpc
import httpx
import numpy as np
import pytest
import tritonclient.grpc as triton
import trustme
from grpc_service import Authorized, GrpcServed, X, bytes_call, tensor
from tritonclient.utils import InferenceServerException


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    """The certificate of an authority, beside those of a server that it signed."""
    made = trustme.CA()
    server = made.issue_cert("127.0.0.1", "localhost")
    made.cert_pem.write_to_path(tmp_path / "ca.pem")
    server.private_key_pem.write_to_path(tmp_path / "key.pem")
    for index, blob in enumerate(server.cert_chain_pems):
        blob.write_to_path(tmp_path / "server.pem", append=index > 0)
    return tmp_path / "ca.pem"


@pytest.fixture
def own(authority: Path, start: Callable[..., GrpcServed]) -> GrpcServed:
    folder = authority.parent
    return start(tls={"tls_certificate": str(folder / "server.pem"), "tls_key": str(folder / "key.pem")})


def test_grpc_over_tls(own: GrpcServed, authority: Path) -> None:
    with triton.InferenceServerClient(own.url, ssl=True, root_certificates=str(authority)) as client:
        client.register_plugin(Authorized(own.token))
        np.testing.assert_array_equal(client.infer("adder", [tensor(X)]).as_numpy("y"), X + 1)
    with own.client() as plain, pytest.raises(InferenceServerException) as caught:
        plain.is_server_live()
    assert caught.value.status() == "StatusCode.UNAVAILABLE"
    other = grpc.ssl_channel_credentials(trustme.CA().cert_pem.bytes())
    with grpc.secure_channel(own.url, other) as stranger, pytest.raises(grpc.RpcError) as refused:
        bytes_call(stranger)(b"", metadata=own.metadata, timeout=120)
    assert refused.value.code() == grpc.StatusCode.UNAVAILABLE


def test_http_over_tls(own: GrpcServed, authority: Path) -> None:
    url = str(own.service.url)
    assert url.startswith("https://")
    verify = ssl.create_default_context(cafile=str(authority))
    body = {"inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP32", "data": [1, 2, 3, 4]}]}
    with httpx.Client(base_url=url, headers=dict(own.metadata), verify=verify, timeout=120) as client:
        for _ in range(3):
            assert client.post("/v2/models/adder/infer", json=body).json()["outputs"][0]["data"] == [2, 3, 4, 5]
        assert client.get("/v2/health/ready").status_code == 200
    with pytest.raises(httpx.HTTPError):
        httpx.get(url.replace("https", "http"), timeout=120)


@pytest.mark.parametrize("door", ["http", "grpc"])
def test_old_versions_of_tls_are_refused(own: GrpcServed, authority: Path, door: str) -> None:
    address = own.url if door == "grpc" else str(own.service.url).removeprefix("https://")
    host, port = address.split(":")

    def version(minimum: ssl.TLSVersion, maximum: ssl.TLSVersion) -> str | None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(authority)
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        context.set_alpn_protocols(["h2"] if door == "grpc" else ["http/1.1"])
        context.minimum_version, context.maximum_version = minimum, maximum
        plain = socket.create_connection((host, int(port)))
        with context.wrap_socket(plain, server_hostname=host) as connection:
            return connection.version()

    assert version(ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3) == "TLSv1.3"
    with pytest.warns(DeprecationWarning, match="TLSv1"), pytest.raises((ssl.SSLError, ConnectionError)):
        version(ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1)
