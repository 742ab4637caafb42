"""No method answers without the service's token: not health, not reflection, not one that does not exist."""

from __future__ import annotations

import grpc
import pytest
from grpc_service import METHODS, GrpcServed


@pytest.mark.parametrize("authorization", [None, "Bearer wrong", "Basic Zm9vOmJhcg==", ""])
@pytest.mark.parametrize("path", [*METHODS, "/inference.GRPCInferenceService/Nothing", "/nothing", "nothing"])
def test_no_method_answers_without_the_token(served: GrpcServed, path: str, authorization: str | None) -> None:
    metadata = [] if authorization is None else [("authorization", authorization)]
    with grpc.insecure_channel(served.url) as channel:
        call = channel.stream_stream(path, None, None)(iter([b""]), metadata=metadata, timeout=120)
        with pytest.raises(grpc.RpcError) as caught:
            next(call)
    assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED
    assert "token" in caught.value.details()


def test_a_method_that_does_not_exist(served: GrpcServed) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        served.call(b"", "/inference.GRPCInferenceService/Nothing")
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_a_page_from_elsewhere_is_refused_where_there_is_no_token(start) -> None:
    own = start(auth="none")
    with own.client() as client:
        assert client.is_server_live()
        with pytest.raises(Exception, match="may not use a service without a token"):
            client.is_server_live(headers={"origin": "http://elsewhere.example"})
