"""Configurations that a stranger wrote to be believed. None of them may reach Keras."""

from __future__ import annotations

import json

import pytest

from pipeline.errors import ModelError
from pipeline.load import allowed
from pipeline.load.safety import refuse_code

LAMBDA = {"class_name": "Lambda", "config": {"name": "l", "function": ["4wEA", None, None]}}
CODE = {"class_name": "__lambda__", "config": {"value": "4wEAAAAA"}}
EVIL = json.dumps({"class_name": "Sequential", "config": {"layers": [LAMBDA]}})
DENSE = {"module": "keras.layers", "class_name": "Dense", "registered_name": None}


def network(*layers, **extra):
    return {"class_name": "Functional", "config": {"name": "net", "layers": list(layers)}, **extra}


def layer(kind="Dense", module=None, registered=None, nodes=(), **config):
    made = {"class_name": kind, "config": {"name": "odd", **config}, "inbound_nodes": list(nodes)}
    if module is not None:
        made["module"] = module
    if registered is not None:
        made["registered_name"] = registered
    return made


def calls(function, **kwargs):
    node = [["input_1", 0, 0, kwargs]]
    return layer("TFOpLambda", function=function, nodes=[node])


# Functions that TensorFlow exports: they write, read, delete, run, print, or build networks.
FUNCTIONS = [
    "keras.models.model_from_json", "keras.models.model_from_config",
    "keras.models.model_from_yaml",
    "keras.models.load_model", "keras.saving.load_model", "keras.layers.deserialize",
    "keras.utils.deserialize_keras_object", "keras.utils.get_file",
    "keras.utils.custom_object_scope",
    "keras.models.clone_model", "keras.activations.get", "keras.initializers.get",
    "keras.config.enable_unsafe_deserialization", "keras.preprocessing.image.save_img",
    "__internal__.keras.utils.get_file", "compat.v1.keras.models.model_from_json",
    "compat.v1.write_file", "compat.v1.read_file", "compat.v1.gfile.DeleteRecursively",
    "compat.v1.gfile.Copy", "compat.v1.gfile.Remove", "compat.v1.gfile.Rename",
    "compat.v1.gfile.MkDir", "compat.v1.gfile.ListDirectory", "compat.v1.gfile.Glob",
    "io.write_file", "io.gfile.rmtree", "io.gfile.copy", "io.gfile.remove", "io.read_file",
    "io.write_graph", "io.matching_files", "io.parse_tensor", "io.decode_raw",
    "print", "compat.v1.Print", "compat.v1.print", "debugging.assert_equal",
    "raw_ops.WriteFile", "raw_ops.ReadFile", "raw_ops.PrintV2", "raw_ops.MergeV2Checkpoints",
    "raw_ops.SaveV2", "raw_ops.PyFunc", "raw_ops.EagerPyFunc", "raw_ops.LoadLibrary",
    "py_function", "numpy_function", "compat.v1.py_func", "load_library", "load_op_library",
    "compat.v1.load_op_library", "compat.v1.load_file_system_library",
    "saved_model.load", "saved_model.save", "compat.v1.saved_model.load", "train.load_checkpoint",
    "train.load_variable", "train.list_variables", "compat.v1.train.Saver",
    "summary.create_file_writer", "summary.write", "summary.graph", "profiler.experimental.start",
    "profiler.experimental.server.start", "distribute.Server",
    "config.experimental_connect_to_host",
    "data.Dataset.from_generator", "data.TFRecordDataset", "data.TextLineDataset",
    "data.experimental.load", "lookup.TextFileInitializer", "lookup.StaticHashTable",
    "map_fn", "while_loop", "cond", "scan", "foldl", "function", "autograph.to_graph",
    "import_graph_def", "compat.v1.import_graph_def", "graph_util.import_graph_def",
    "Variable", "compat.v1.get_variable", "constant_initializer", "queue.FIFOQueue",
    "sysconfig.get_lib", "test.main", "compat.v1.app.run", "compat.v1.test.main",
    "feature_column.categorical_column_with_vocabulary_file", "image.decode_image",
    "audio.decode_wav", "strings.format", "strings.join", "dynamic_partition",
    "__builtins__.eval", "os.system", "builtins.exec", "", "math.add; import os",
    "math.add\0", "math", "nn", "__operators__", "math.__add__", "MATH.ADD", " math.add",
]  # fmt: skip


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("kind", ["TFOpLambda", "SlicingOpLambda"])
def test_only_functions_of_tensors_are_called(function, kind):
    for config in (
        network(layer(kind, function=function)),
        network(layer("TimeDistributed", layer=layer(kind, function=function))),
        {"class_name": "Sequential", "config": [layer(kind, function=function)]},
    ):
        with pytest.raises(ModelError, match="layer odd: the layer calls tf") as caught:
            refuse_code(config, "net.h5")
        assert "--trust" in caught.value.hint


@pytest.mark.parametrize("function", [None, 3, ["math.add"], {"class_name": "x"}, {}, True])
def test_a_function_is_a_name(function):
    with pytest.raises(ModelError, match="layer calls"):
        refuse_code(network(layer("TFOpLambda", function=function)), "net.h5")
    with pytest.raises(ModelError, match="layer calls"):
        refuse_code(network({"class_name": "TFOpLambda"}), "net.h5")


@pytest.mark.parametrize(
    "kind",
    ["ClassMethod", "InstanceMethod", "InstanceProperty", "TensorFlowOpLayer", "TextVectorization",
     "StringLookup", "IntegerLookup", "Hashing", "HashedCrossing", "DenseFeatures", "TFSMLayer",
     "TorchModuleWrapper", "JaxLayer", "FlaxLayer", "Pipeline", "AugMix", "Wrapper", "Layer",
     "Variable", "Adam", "MeanSquaredError", "function", "LossFunctionWrapper",
     "CompileLossWrapper",
     "__typespec__", "TypeSpec", "CompositeTensor", "__bytes__", "MeanMetricWrapper", "Callback",
     "GlorotUniform", "os.system", "eval", "Dense.__init__", "Model.load_weights", "\x1b[2J", ""],
)  # fmt: skip
def test_no_other_class_is_made(kind):
    for config in (
        network(layer(kind)),
        network(layer("Bidirectional", layer=layer("LSTM", units=2), backward_layer=layer(kind))),
        network(layer("RNN", cell=layer(kind))),
        network(layer("RNN", cell=layer("StackedRNNCells", cells=[layer(kind)]))),
        network(network(layer(kind))),
        layer(kind),
    ):
        with pytest.raises(ModelError):
            refuse_code(config, "net.keras")


# Code and foreign classes, put everywhere that a configuration has room.
HOSTILE = [
    LAMBDA,
    CODE,
    {"class_name": "function", "module": "builtins", "config": "eval"},
    {"class_name": "function", "module": "os", "config": "system", "registered_name": "system"},
    {"class_name": "function", "module": "keras.activations", "config": "relu",
     "registered_name": "os.system"},
    {"class_name": "function", "module": "keras.utils", "config": "get_file"},
    {"class_name": "Popen", "module": "subprocess", "config": {"args": "id"}},
    {"class_name": "Popen", "module": "keras.src.utils.file_utils", "config": {}},
    {"class_name": "Dense", "module": "keras_evil", "config": {"name": "d"}},
    {"class_name": "Dense", "module": "kerasx.layers", "config": {"name": "d"}},
    {"class_name": "Dense", "module": "keras.layers\n", "config": {"name": "d"}},
    {"class_name": "Dense", "module": "keras.src.utils", "config": {"name": "d"}},
    {"class_name": "Dense", "module": ["keras"], "config": {"name": "d"}},
    {"class_name": "Dense", "module": "keras.layers", "registered_name": "mine>Dense",
     "config": {"name": "d"}},
    {"class_name": "Dense", "module": "tf_keras.src.engine.functional",
     "registered_name": "serialization_lib", "config": {"name": "d"}},
    {"class_name": ["Dense"], "config": {}},
    {"class_name": {"class_name": "Lambda"}, "config": {}},
    {"class_name": "TFSMLayer", "module": "keras.layers", "config": {"filepath": "/tmp/x"}},
    {"class_name": "StringLookup", "config": {"name": "s", "vocabulary": "/etc/passwd"}},
    {"class_name": "__typespec__", "spec_name": "x", "module": "os", "registered_name": None,
     "config": []},
    {"class_name": "TypeSpec", "type_spec": "tf.RaggedTensorSpec", "serialized": []},
    {"class_name": "CompositeTensor", "spec": {}, "tensors": []},
]  # fmt: skip
PLACES = [
    "activation", "recurrent_activation", "kernel_initializer", "bias_initializer",
    "kernel_regularizer", "activity_regularizer", "kernel_constraint", "dtype", "layer", "cell",
    "forward_layer", "backward_layer", "units", "name2", "function", "fn", "loss", "call",
    "mean", "weights", "vocabulary", "input_spec", "quantization_config", "seed", "config",
    "build_config", "batch_shape", "rate", "policy",
]  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda h: str(h["class_name"])[:20])
def test_nothing_foreign_stands_anywhere(place, hostile):
    """In a layer, in a wrapped one, in a network inside, in a list, in a call's arguments."""
    placed = layer(**{place: hostile})
    for config in (
        network(placed),
        network(layer(**{place: [[hostile]]})),
        network(layer(**{place: {"deeper": hostile}})),
        network(layer("TimeDistributed", layer=placed)),
        network(network(layer("Bidirectional", backward_layer=placed))),
        network(layer(nodes=[{"args": [hostile], "kwargs": {}}])),
        network(layer(nodes=[{"args": [], "kwargs": {place: [hostile]}}])),
        network(layer(nodes=[[["input_1", 0, 0, {place: hostile}]]])),
        network(layer("TFOpLambda", function="math.add", nodes=[[["i", 0, 0, {place: hostile}]]])),
        network({**layer(), "build_config": {place: hostile}}),
        network(layer("Dense", activation={"class_name": "__tuple__", "items": [hostile]})),
        network(layer(nodes=[{"args": [{"class_name": "__tensor__",
                                      "config": {"value": hostile}}]}])),
        network(
            layer(nodes=[{"args": [{"class_name": "__slice__",
                                    "config": {"start": hostile, "stop": 1, "step": 1}}]}])
        ),
    ):  # fmt: skip
        with pytest.raises(ModelError):
            refuse_code(config, "net.keras")


@pytest.mark.parametrize("text", [EVIL, "  " + EVIL, json.dumps([LAMBDA]), "{", "["])
@pytest.mark.parametrize("place", ["y", "json_string", "name", "units", "activation", "axis"])
def test_no_configuration_inside_a_string(text, place):
    for config in (
        network(layer(**{place: text})),
        network(calls("math.add", **{place: text})),
        network(calls("math.add", **{place: [1, {"z": text}]})),
    ):
        with pytest.raises(ModelError, match=r"inside a string|no text"):
            refuse_code(config, "net.h5")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("activation", "get", "activation 'get' is unknown"),
        ("activation", "deserialize", "unknown"),
        ("activation", "builtins.eval", "unknown"),
        ("activation", ["relu", "get"], "'get' is unknown"),
        ("recurrent_activation", "serialize", "unknown"),
        ("kernel_initializer", "get", "initializer 'get'"),
        ("bias_regularizer", "serialize", "regularizer 'serialize'"),
        ("kernel_constraint", "deserialize", "constraint"),
        ("dtype", "string", "type 'string'"),
        ("dtype", "resource", "type"),
        ("layer", "Lambda", "stands where a layer belongs"),
        ("cells", ["Lambda"], "stands where a layer belongs"),
        ("function", "model_from_json", "calls the function"),
        ("fn", "os.system", "calls the function"),
    ],
)
def test_names_of_functions_are_on_a_list(key, value, message):
    with pytest.raises(ModelError, match=message):
        refuse_code(network(layer(**{key: value})), "net.keras")


@pytest.mark.parametrize(
    "kind", ["Cumsum", "Custom", "Map", "VectorizedMap", "Cond", "Fori", "Scan", "Jax", "__call__"]
)
def test_only_operations_that_are_translated(kind):
    config = network(layer(kind, module="keras.src.ops.core", registered=kind))
    with pytest.raises(ModelError, match=f"operation odd: the operation {kind} is unknown"):
        refuse_code(config, "net.keras")


def test_a_configuration_is_not_nested_without_end():
    deep = leaf = {}
    for _ in range(500):
        leaf["config"] = leaf = {}
    with pytest.raises(ModelError, match="nested"):
        refuse_code(deep, "net.keras")
    deep = []
    for _ in range(500):
        deep = [deep]
    with pytest.raises(ModelError, match="nested"):
        refuse_code(network(layer(units=deep)), "net.keras")


def test_names_do_not_reach_the_terminal_as_commands():
    for config in (
        network(layer("Lambda", name="\x1b[2Jgone")),
        network(layer(name="\x1b]0;title\x07")),
        network(layer("\x1b[31mRed")),
        network({**layer(), "module": "\x1b[1m"}),
        network(layer(**{"\x1b[2J": 1})),
        network(layer(activation="\u202erelu")),
    ):
        with pytest.raises(ModelError) as caught:
            refuse_code(config, "net\x1b.keras")
        assert str(caught.value).replace("\n", "").isprintable()


def test_what_training_needs_is_left_out_and_not_believed():
    config = network(layer(), compile_config={"optimizer": CODE, "loss": LAMBDA})
    assert "compile_config" not in refuse_code(config, "net.keras")
    kept = refuse_code(network(layer(kernel_initializer="he_normal")), "net.keras")
    assert kept["config"]["layers"][0]["config"]["kernel_initializer"] == "zeros"
    kept = refuse_code({**network(layer()), "surprise": 1}, "net.keras")
    assert "surprise" not in kept


def test_ordinary_configurations_pass_unchanged():
    entry = {
        **DENSE,
        "config": {
            "name": "dense",
            "dtype": {
                "module": "keras", "class_name": "DTypePolicy",
                "config": {"name": "float32"}, "registered_name": None,
            },
            "activation": {
                "module": "keras.layers", "class_name": "LeakyReLU",
                "config": {"name": "leaky", "negative_slope": 0.3}, "registered_name": None,
            },
            "kernel_regularizer": {"class_name": "L2", "config": {"l2": 0.01}},
            "units": 3,
        },
        "name": "dense",
        "inbound_nodes": [
            {"args": [{"class_name": "__keras_tensor__", "config": {
                "shape": [None, 4], "dtype": "float32", "keras_history": ["add", 0, 0]}}],
             "kwargs": {"training": None}},
        ],
    }  # fmt: skip
    config = network(entry, calls("math.multiply", y=[1.0, 2.0], name=None))
    assert refuse_code(config, "net.keras") == config


def test_the_lists_hold_no_function_with_effects():
    """What the lists' words mean is looked up by eye; these words must not come."""
    bad = ("file", "print", "py_", "save", "load", "write", "read", "debug", "gfile", "raw_ops",
           "keras", "map_fn", "io.", "variable", "assign", "queue", "summary",
           "string")  # fmt: skip
    for function in allowed.FUNCTIONS:
        assert not any(word in function for word in bad), function


@pytest.mark.slow
def test_every_name_on_the_lists_exists():
    from pipeline.load.tfenv import keras3, tensorflow, tf_keras

    tensorflow()
    layers = tf_keras().layers
    keras3()
    from keras.src.ops import core, math, nn, numpy
    from tf_keras.src.layers.core import tf_op_layer

    special = {"TFOpLambda", "SlicingOpLambda"}
    assert not [n for n in allowed.LAYERS - special if not hasattr(layers, n)]
    assert not [
        n for n in allowed.OPERATIONS if not any(hasattr(m, n) for m in (core, math, nn, numpy))
    ]
    plain = [n for n in allowed.FUNCTIONS if not n.startswith("compat.")]
    assert not [n for n in plain if tf_op_layer.get_symbol_from_name(n) is None]
