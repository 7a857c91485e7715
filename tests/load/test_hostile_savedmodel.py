"""SavedModels whose graphs, objects or restore functions would do something."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from pipeline.errors import ModelError
from pipeline.load import load_model
from pipeline.load.savedmodel import clean_savedmodel

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tf():
    from pipeline.load.tfenv import tensorflow

    return tensorflow()


@pytest.fixture(scope="module")
def old():
    from pipeline.load.tfenv import tf_keras

    return tf_keras()


@pytest.fixture(scope="module")
def saved(old, tmp_path_factory):
    """An ordinary SavedModel of a compiled network."""
    folder = tmp_path_factory.mktemp("saved") / "net"
    old.utils.set_random_seed(0)
    layers = old.layers
    model = old.Sequential(
        [old.Input((6, 4)), layers.LSTM(3), layers.Dropout(0.1), layers.BatchNormalization(),
         layers.Dense(2, activation="softmax")]
    )  # fmt: skip
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(np.zeros((4, 6, 4)), np.zeros(4), verbose=0)
    model.save(folder, save_format="tf")
    return folder


@pytest.fixture
def change(saved, tmp_path):
    """Change the protobuf of a copy, and return the copy."""

    def apply(edit):
        from tensorflow.core.protobuf import saved_model_pb2

        folder = tmp_path / "net"
        if not folder.exists():
            shutil.copytree(saved, folder)
        proto = saved_model_pb2.SavedModel()
        proto.ParseFromString((saved / "saved_model.pb").read_bytes())
        edit(proto)
        (folder / "saved_model.pb").write_bytes(proto.SerializeToString())
        return folder

    return apply


def test_an_ordinary_one_is_read_adam_and_saver_and_all(saved):
    network = load_model(saved)
    assert network.check <= 1e-5
    assert network.signature.input_shape == (6, 4)
    assert type(network.keras.layers[1]).__name__ == "LSTM"


EVIL = [
    "WriteFile", "ReadFile", "PrintV2", "Print", "MergeV2Checkpoints", "SaveV2", "RestoreV2",
    "Save", "SaveSlices", "MatchingFiles", "PyFunc", "EagerPyFunc", "PyFuncStateless",
    "LookupTableImportV2", "InitializeTableFromTextFileV2", "HashTableV2", "TextLineReaderV2",
    "WholeFileReaderV2", "SummaryWriter", "CreateSummaryFileWriter", "WriteSummary",
    "TFRecordDataset", "FixedLengthRecordReader", "DebugIdentityV2", "RemoteCall", "_Send",
    "SendTPUEmbeddingGradients", "CollectiveReduce", "LoadDataset", "SaveDatasetV2",
    "StringFormat", "XlaLaunch", "CustomOp>Mine", "\x1b[2J",
]  # fmt: skip


@pytest.fixture
def look(tmp_path):
    """Read a SavedModel as far as its protobufs, in this process."""
    return lambda folder: clean_savedmodel(folder, "net", tmp_path / "clean")


@pytest.mark.parametrize("op", EVIL)
@pytest.mark.parametrize("place", ["graph", "function", "new function", "nested"])
def test_operators_are_on_a_list(change, look, op, place):
    def edit(proto):
        graph = proto.meta_graphs[0].graph_def
        if place == "graph":
            node = graph.node.add()
        elif place == "function":
            serving = [f for f in graph.library.function if "signature_wrapper" in f.signature.name]
            node = serving[0].node_def.add()
        else:
            function = graph.library.function.add()
            function.signature.name = "extra"
            node = function.node_def.add()
            if place == "nested":
                caller = graph.library.function[0].node_def.add()
                caller.name, caller.op = "call", "PartitionedCall"
                caller.attr["f"].func.name = "extra"
        node.name, node.op = "odd", op

    with pytest.raises(ModelError, match=r"graph has a .* operator") as caught:
        look(change(edit))
    assert str(caught.value).replace("\n", "").isprintable()


def functions_of_saver(proto):
    graph = proto.meta_graphs[0].graph_def
    return [f for f in graph.library.function if "traced_save" in f.signature.name]


def call(node, name):
    node.name, node.op = "odd_call", "StatefulPartitionedCall"
    node.attr["f"].func.name = name


@pytest.mark.parametrize("way", ["graph", "function", "attribute", "op", "concrete", "list"])
def test_the_savers_functions_are_called_by_nothing_else(change, look, way):
    """They write files; TensorFlow does not call them, and so must nobody."""

    def edit(proto):
        meta = proto.meta_graphs[0]
        (saver,) = functions_of_saver(proto)
        name = saver.signature.name
        other = next(f for f in meta.graph_def.library.function if f is not saver)
        if way == "graph":
            call(meta.graph_def.node.add(), name)
        elif way == "function":
            call(other.node_def.add(), name)
        elif way == "attribute":
            node = other.node_def.add()
            node.name, node.op = "odd", "While"
            node.attr["body"].func.name = name
        elif way == "op":
            node = other.node_def.add()
            node.name, node.op = "odd", name
        elif way == "list":
            node = other.node_def.add()
            node.name, node.op = "odd", "Identity"
            node.attr["branches"].list.func.add().name = name
        else:
            meta.object_graph_def.concrete_functions[name].bound_inputs.extend([])

    with pytest.raises(ModelError, match=r"graph has a (Save|Merge|Sharded|String|Static)"):
        look(change(edit))


def asset(proto):
    proto.meta_graphs[0].asset_file_def.add().filename = "vocabulary.txt"


def asset_object(proto):
    proto.meta_graphs[0].object_graph_def.nodes.add().asset.asset_file_def_index = 0


def table(proto):
    proto.meta_graphs[0].object_graph_def.nodes.add().resource.device = ""


def registered(proto):
    proto.meta_graphs[0].object_graph_def.nodes[3].registered_name = "Custom.Mine"


def registered_saver(proto):
    node = proto.meta_graphs[0].object_graph_def.nodes[3]
    node.registered_saver = "mine"


def restore_function(proto):
    node = proto.meta_graphs[0].object_graph_def.nodes[3]
    node.saveable_objects["x"].restore_function = 1


def initializer(proto):
    child = proto.meta_graphs[0].object_graph_def.nodes[0].children.add()
    child.local_name, child.node_id = "_initialize", 1


def constant(proto):
    node = proto.meta_graphs[0].graph_def.node.add()
    node.name, node.op = "odd", "Const"
    node.attr["value"].tensor.dtype = 1
    node.attr["value"].tensor.float_val.append(0.0)
    for _ in range(3):
        node.attr["value"].tensor.tensor_shape.dim.add().size = 10_000


def gradient(proto):
    made = proto.meta_graphs[0].graph_def.library.gradient.add()
    made.function_name, made.gradient_func = "a", "b"


def twins(proto):
    library = proto.meta_graphs[0].graph_def.library
    library.function.add().CopyFrom(library.function[0])


def two_graphs(proto):
    proto.meta_graphs.add().CopyFrom(proto.meta_graphs[0])


def no_objects(proto):
    """The form of TensorFlow 1, whose loader runs the graph's own restore operators."""
    proto.meta_graphs[0].ClearField("object_graph_def")


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (asset, "reads the file vocabulary"),
        (asset_object, "a file of its own"),
        (table, "a table or another resource"),
        (registered, "Custom.Mine is custom code"),
        (registered_saver, "custom code"),
        (restore_function, "restores its values by functions of its own"),
        (initializer, "calls a function when it is loaded"),
        (constant, "constant of 1,000,000,000,000 values"),
        (gradient, "gradients"),
        (twins, "one name"),
        (two_graphs, "2 graphs"),
        (no_objects, "not the Keras layers"),
    ],
)
def test_nothing_is_called_or_read_at_loading(change, look, edit, message):
    with pytest.raises(ModelError, match=message):
        look(change(edit))


def test_the_files_of_a_saved_model_are_files(saved, tmp_path):
    for name in ("saved_model.pb", "variables/variables.index", "keras_metadata.pb"):
        folder = tmp_path / name.replace("/", "-")
        shutil.copytree(saved, folder)
        (folder / name).rename(tmp_path / "elsewhere")
        (folder / name).symlink_to(tmp_path / "elsewhere")
        with pytest.raises(ModelError, match="link"):
            load_model(folder)
    folder = tmp_path / "folder"
    shutil.copytree(saved, folder)
    shutil.rmtree(folder / "variables")
    (folder / "variables").symlink_to(saved / "variables")
    with pytest.raises(ModelError):
        load_model(folder)


def test_damaged_variables_are_one_error(saved, tmp_path):
    folder = tmp_path / "net"
    shutil.copytree(saved, folder)
    for name in ("variables.index", "variables.data-00000-of-00001"):
        file = folder / "variables" / name
        content = file.read_bytes()
        for damaged in (b"", content[: len(content) // 2], bytes(len(content))):
            file.write_bytes(damaged)
            with pytest.raises(ModelError):
                load_model(folder)
        file.write_bytes(content)
    assert load_model(folder).check <= 1e-5


def test_a_file_writer_that_keras_would_run(tf, tmp_path):
    """As the issue's: a signature that prints into a file. Nothing of it may be there after."""
    target = tmp_path / "written"

    class Evil(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((None, 4), tf.float32)])
        def serve(self, x):
            tf.print("evil", output_stream=f"file://{target}")
            return {"y": x}

    module = Evil()
    tf.saved_model.save(module, str(tmp_path / "net"), signatures=module.serve)
    with pytest.raises(ModelError, match="PrintV2"):
        load_model(tmp_path / "net")
    assert not target.exists()
