"""Server reflection, by which grpcurl and its like learn the methods and messages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection, reflection_pb2

from jupyter_modeldeploy.serving.grpc.handlers import StreamHandler, parsed, read
from jupyter_modeldeploy.serving.grpc.health import HEALTH
from jupyter_modeldeploy.serving.grpc.messages import POOL, SERVICE

REFLECTION = reflection_pb2.DESCRIPTOR.services_by_name["ServerReflection"]
for _described in (health_pb2.DESCRIPTOR, reflection_pb2.DESCRIPTOR):
    POOL.AddSerializedFile(_described.serialized_pb)
_SERVICER = reflection.aio.ReflectionServicer([SERVICE.full_name, HEALTH.full_name, REFLECTION.full_name], POOL)


class Reflection(StreamHandler):
    """`ServerReflectionInfo` for one call."""

    __slots__ = ()

    def __init__(self, draining: asyncio.Event) -> None:
        super().__init__(draining)

    async def converse(self, context: Any) -> None:
        async for answer in _SERVICER.ServerReflectionInfo(_requests(context), context):
            await context.write(answer.SerializeToString())


async def _requests(context: Any) -> AsyncIterator[Any]:
    while (raw := await read(context)) is not None:
        yield parsed(reflection_pb2.ServerReflectionRequest, raw)
