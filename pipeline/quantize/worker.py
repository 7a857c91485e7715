"""The converter's process: `python -m pipeline.quantize.worker FOLDER`.

Reads job.json, model.keras and samples.npy from the folder; writes model.tflite, or
error.json with what, where and hint. Progress goes to stdout, one JSON object a line.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import McuError, ModelError
from pipeline.load.model import load_model
from pipeline.load.network import Network
from pipeline.load.tfenv import tensorflow
from pipeline.quantize.convertible import make_convertible

_STEP = 50  # samples between two lines of progress
# The converter leaves a SPLIT in floats where one of the parts is not used, as in the first step
# of an unrolled GRU. Nothing is computed there; the values are those of the integers around it.
_HARMLESS = frozenset(
    {"DEQUANTIZE", "QUANTIZE", "RESHAPE", "SLICE", "SPLIT", "SPLIT_V", "STRIDED_SLICE", "UNPACK"}
)
_EXTRA_TYPES = {"int8": "int8", "int16x8": "int16"}


def main(folder: Path) -> int:
    """Do the job in `folder`; returns the process's exit code."""
    try:
        job = json.loads((folder / "job.json").read_text())
        network = load_model(folder / "model.keras", trust=True)  # was checked when first read
        assert isinstance(network, Network)
        samples = np.load(folder / "samples.npy")
        if "aware" in job:
            content = convert_aware(network, folder, job["aware"]["preserve"])
        else:
            content = convert(network, samples, job["scheme"])
    except McuError as error:
        said = {"what": error.what, "where": error.where, "hint": error.hint}
        (folder / "error.json").write_text(json.dumps(said))
        return 1
    (folder / "model.tflite").write_bytes(content)
    return 0


def convert(network: Network, samples: Any, scheme: str) -> bytes:
    """Return the flatbuffer of `network` in integers, calibrated with `samples`.

    The network is changed in place to what the converter takes; it computes the same.

    Raises:
        ModelError: the converter refuses an op, or float tensors are left.
    """
    tf = tensorflow()
    make_convertible(network.keras)
    function = fixed_function(network.keras)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], network.keras)
    converter.representative_dataset = lambda: _feed(samples)
    if scheme == "int16x8":
        name = "EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8"
        converter.target_spec.supported_ops = [getattr(tf.lite.OpsSet, name)]
    else:
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    return _finish(converter, getattr(tf, _EXTRA_TYPES[scheme]), network.name, function.graph)


def convert_aware(network: Network, folder: Path, preserve: bool) -> bytes:
    """Return the flatbuffer of a network trained with rounding; its weights are in `folder`."""
    from pipeline.quantize.aware import with_rounding

    tf = tensorflow()
    model = with_rounding(network.keras, preserve, network.name)
    with np.load(folder / "weights.npz") as stored:
        model.set_weights([stored[key] for key in stored.files])
    function = fixed_function(model)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], model)
    return _finish(converter, tf.int8, network.name, function.graph)


def fixed_function(model: Any) -> Any:
    """Return `model` as a concrete function with a batch of one.

    A batch left open adds SHAPE, PACK and FILL, which microcontrollers lack.
    """
    tf = tensorflow()
    spec = tf.TensorSpec((1, *model.inputs[0].shape[1:]), model.inputs[0].dtype, name="input")
    return tf.function(lambda x: model(x, training=False)).get_concrete_function(spec)


def _finish(converter: Any, kind: Any, name: str, graph: Any) -> bytes:
    converter.optimizations = [tensorflow().lite.Optimize.DEFAULT]
    converter.inference_input_type = kind
    converter.inference_output_type = kind
    try:
        content = bytes(converter.convert())
    except Exception as error:  # the converter raises many types, all of which mean "no"
        raise _refusal(error, name, graph) from error
    refuse_floats(content, name)
    return content


def _feed(samples: Any) -> Iterator[list[Any]]:
    for index, sample in enumerate(samples):
        if index % _STEP == 0:
            said = {"done": index, "total": len(samples), "note": "calibrating"}
            print(json.dumps(said), flush=True)  # noqa: T201  (the protocol to the parent)
        yield [sample[np.newaxis]]


def refuse_floats(content: bytes, name: str) -> None:
    """Raise `ModelError` where an op of the flatbuffer still computes with float32 tensors."""
    tf = tensorflow()
    interpreter = tf.lite.Interpreter(
        model_content=content,
        experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    tensors = {t["index"]: t for t in interpreter.get_tensor_details()}
    floats = {index for index, t in tensors.items() if t["dtype"] == np.float32}
    cause = [
        op
        for op in interpreter._get_ops_details()
        if op["op_name"] not in _HARMLESS
        and floats & {int(i) for i in (*op["inputs"], *op["outputs"])}
    ]
    if cause:
        raise ModelError(
            f"stays in floats at {', '.join(sorted({op['op_name'] for op in cause}))}",
            where=_place(name, tensors[int(cause[0]["outputs"][0])]["name"]),
            hint="replace these layers by ones with an integer form",
        )


def _place(name: str, node: str) -> str:
    """Add the Keras layer to the network's name, if the node's has it: "model/conv/Relu;..."."""
    parts = node.split(";")[0].split("/")
    return f"{name}, layer {parts[-2]}" if len(parts) > 1 else name


def _refusal(error: Exception, name: str, graph: Any) -> ModelError:
    text = str(error)
    ops = sorted(set(re.findall(r"'(tfl?\.[A-Za-z0-9_]+)' op", text)))
    if ops:
        kind = ops[0].split(".")[1]
        nodes = [op.name for op in graph.get_operations() if op.type == kind]
        return ModelError(
            f"the converter has no integer form of {', '.join(ops)}",
            where=_place(name, nodes[0] if nodes else ""),
            hint="replace the layer that makes this op; `mcu ops` lists what runs on a chip",
        )
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    reason = lines[0][:300] if lines else type(error).__name__
    return ModelError(f"the converter refuses the network: {reason}", where=name)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
