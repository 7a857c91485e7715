"""Archives and HDF5 files that lie about their sizes, or reach for other files."""

from __future__ import annotations

import json
import os
import struct
import tracemalloc
import zipfile

import h5py
import numpy as np
import pytest

from pipeline.errors import ModelError, WrongUse
from pipeline.load import load_model
from pipeline.load.archive import Archive
from pipeline.load.clean import clean_archive, clean_hdf5
from pipeline.load.sniff import sniff

DENSE = {"class_name": "Dense", "config": {"name": "dense", "units": 3}}
CONFIG = {
    "class_name": "Sequential",
    "config": {
        "name": "net",
        "layers": [
            {"class_name": "InputLayer", "config": {"name": "i", "batch_input_shape": [None, 4]}},
            DENSE,
        ],
    },
}
METADATA = json.dumps({"keras_version": "2.21.0"})


def weights(path, fill=None):
    with h5py.File(path, "w") as file:
        held = file.create_group("layers/dense/vars")
        held["0"], held["1"] = np.zeros((4, 3), np.float32), np.zeros(3, np.float32)
        if fill is not None:
            fill(file)
    return path


def keras(path, config=CONFIG, fill=None, compression=zipfile.ZIP_STORED, **members):
    inside = weights(path.with_suffix(".weights"), fill).read_bytes()
    with zipfile.ZipFile(path, "w", compression) as file:
        file.writestr(
            "config.json", config if isinstance(config, (str, bytes)) else json.dumps(config)
        )
        file.writestr("metadata.json", METADATA)
        file.writestr("model.weights.h5", inside)
        for name, content in members.items():
            file.writestr(name, content)
    return path


def hdf5(path, fill=None, config=CONFIG):
    weights(path, fill)
    with h5py.File(path, "r+") as file:
        file.attrs["keras_version"] = "2.21.0"
        file.attrs["model_config"] = config if isinstance(config, str) else json.dumps(config)
    return path


def test_an_ordinary_file_passes(tmp_path):
    (tmp_path / "out").mkdir()
    assert clean_archive(keras(tmp_path / "a.keras"), "a.keras", tmp_path / "out").is_file()
    assert clean_hdf5(hdf5(tmp_path / "a.h5"), "a.h5", tmp_path / "out").is_file()


# Zip ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("../evil", "outside"), ("/etc/cron.d/evil", "outside"), ("a/../../b", "outside"),
        ("..\\evil", "outside|differently"), ("C:/x", "outside"), ("\x1b[2J", "no text"),
        ("x" * 600, "no text"), ("assets/../../x", "outside"),
    ],
)  # fmt: skip
def test_members_stay_inside(tmp_path, name, message):
    with pytest.raises(ModelError, match=message) as caught:
        load_model(keras(tmp_path / "a.keras", **{name: b""}))
    assert "\x1b" not in str(caught.value)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_no_member_is_there_twice(tmp_path):
    path = keras(tmp_path / "a.keras")
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("config.json", "{}")
    with pytest.raises(ModelError, match="is there twice"):
        load_model(path)


def patched(path, old, new, count=1):
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, count))
    return path


def test_a_name_cut_by_a_nul_is_refused(tmp_path):
    path = keras(tmp_path / "a.keras", **{"config.jsonX": b"{}"})
    with pytest.raises(ModelError, match=r"differently|twice|damaged"):
        load_model(patched(path, b"config.jsonX", b"config.json\0", 9))


def test_encrypted_and_oddly_compressed_members_are_refused(tmp_path):
    path = keras(tmp_path / "a.keras")
    content = bytearray(path.read_bytes())
    at = content.rindex(b"PK\x01\x02")
    content[at + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(ModelError, match="encrypted"):
        load_model(path)
    with pytest.raises(ModelError, match="compressed in a way"):
        load_model(keras(tmp_path / "b.keras", compression=zipfile.ZIP_LZMA))


def test_links_in_an_archive_are_refused(tmp_path):
    path = keras(tmp_path / "a.keras")
    info = zipfile.ZipInfo("assets")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "a") as file:
        file.writestr(info, "/etc/passwd")
    with pytest.raises(ModelError, match="is a link"):
        load_model(path)


@pytest.mark.parametrize("name", ["model.weights.h5", "config.json", "assets/filler"])
def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path, name):
    path = tmp_path / "bomb.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        for other in {"config.json", "metadata.json", "model.weights.h5"} - {name}:
            file.writestr(other, "{}")
        with file.open(name, "w", force_zip64=True) as member:
            for _ in range(100):
                member.write(bytes(1 << 20))
    assert path.stat().st_size < 1 << 20
    tracemalloc.start()
    with pytest.raises(ModelError, match=r"claims to hold 104,8"):
        load_model(path)
    assert tracemalloc.get_traced_memory()[1] < 10 << 20
    tracemalloc.stop()


def test_a_size_that_is_a_lie_is_noticed(tmp_path):
    path = keras(tmp_path / "a.keras", compression=zipfile.ZIP_DEFLATED)
    with zipfile.ZipFile(path) as file:
        size = file.getinfo("config.json").file_size
    patched(path, struct.pack("<I", size), struct.pack("<I", size - 1), 9)
    with pytest.raises(ModelError, match=r"damaged|read"):
        load_model(path)


@pytest.mark.parametrize(
    "config",
    ["[" * 100_000, '{"a":' * 50_000, "NaN" * 3, '{"class_name": 1, "class_name": 2}', "[]", "3",
     '"Sequential"', "null", b"\xff\xfe", "1" * 10_000, '{"a": "\\ud800"}'],
)  # fmt: skip
def test_configurations_that_are_none(tmp_path, config):
    for path in (keras(tmp_path / "a.keras", config),):
        with pytest.raises(ModelError):
            load_model(path)
    if isinstance(config, str):
        with pytest.raises(ModelError):
            clean_hdf5(hdf5(tmp_path / "a.h5", config=config), "a.h5", tmp_path)


# HDF5 --------------------------------------------------------------------------------------


def external(file):
    file.create_dataset("odd", (1000,), "u1", external=[("/etc/passwd", 0, 1000)])


def virtual(file):
    layout = h5py.VirtualLayout((3,), "f4")
    layout[:] = h5py.VirtualSource("/tmp/other.h5", "x", (3,))
    file.create_virtual_dataset("odd", layout)


def external_link(file):
    file["odd"] = h5py.ExternalLink("/home/someone/secret.h5", "/x")


def soft_link(file):
    file["odd"] = h5py.SoftLink("/layers/dense")


def soft_loop(file):
    file["odd"] = h5py.SoftLink("/odd")


def hard_loop(file):
    file["layers/odd"] = file["/"]


def named_twice(file):
    file["odd"] = file["layers/dense/vars/0"]


def huge(file):
    file.create_dataset("odd", (1 << 40,), "f4")


def huge_chunks(file):
    file.create_dataset("odd", (1 << 25,), "f8", chunks=(1 << 25,))


def compressed(file):
    file.create_dataset("odd", data=np.zeros(40 << 20, np.float32), compression="gzip")


def plug_in(file):
    made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    made.set_chunk((10,))
    made.set_filter(32015, h5py.h5z.FLAG_OPTIONAL, ())
    h5py.h5d.create(file.id, b"odd", h5py.h5t.IEEE_F32LE, h5py.h5s.create_simple((10,)), made)


def text(file):
    file["odd"] = "text"


def reference(file):
    file.create_dataset("odd", (2,), h5py.ref_dtype)


def compound(file):
    file["odd"] = np.zeros(2, [("a", "f4"), ("b", "i4")])


def named_type(file):
    file["odd"] = np.dtype("f8")


def deep(file):
    file.create_group("/".join("d" * 1 for _ in range(200)))


def many_attributes(file):
    file["odd"] = np.zeros(2)
    file["odd"].attrs.create("x", file["odd"].ref, dtype=h5py.ref_dtype)


@pytest.mark.parametrize(
    ("fill", "message"),
    [
        (external, "odd lies in another file .*passwd"),
        (virtual, "odd is put together from other files"),
        (external_link, "odd is a link to another file .*secret"),
        (soft_link, "odd is a link"),
        (soft_loop, "odd is a link"),
        (hard_loop, "under two names"),
        (named_twice, "under two names"),
        (huge, "claim 4,398"),
        (huge_chunks, "chunks of|claim"),
        (compressed, "claim 167,7"),
        (plug_in, "plug-in 32015"),
        (text, "values, not numbers"),
        (reference, "values, not numbers"),
        (compound, "values, not numbers"),
        (named_type, "neither a group nor an array"),
        (deep, "deep"),
        (many_attributes, "attribute x"),
    ],
)
def test_hdf5_holds_its_own_numbers_and_nothing_else(tmp_path, fill, message):
    for name, made, clean in (("a.keras", keras, clean_archive), ("a.h5", hdf5, clean_hdf5)):
        folder = tmp_path / f"out-{name}"
        folder.mkdir()
        with pytest.raises(ModelError, match=message):
            clean(made(tmp_path / name, fill=fill), name, folder)


def test_the_configuration_of_an_h5_is_one_text(tmp_path):
    for wrong in (np.array(["{}", "{}"], dtype=object), 3, np.zeros(3), h5py.Empty("f4")):
        path = hdf5(tmp_path / "a.h5")
        with h5py.File(path, "r+") as file:
            file.attrs["model_config"] = wrong
        with pytest.raises(ModelError):
            clean_hdf5(path, "a.h5", tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"units": 10**9}, "Dense like this has at least 1,000,000,000 weights"),
        ({"units": 10**400}, "at least"),
        ({"units": 1e30}, "at least"),
        ({"units": [10**6, 10**6]}, "at least"),
    ],
)
def test_declared_sizes_are_held_against_the_file(tmp_path, change, message):
    entry = {"class_name": "Dense", "config": {**DENSE["config"], **change}}
    for wrapped in (
        entry,
        {"class_name": "TimeDistributed", "config": {"name": "t", "layer": entry}},
    ):
        config = {**CONFIG, "config": {"layers": [wrapped]}}
        with pytest.raises(ModelError, match=message):
            clean_archive(keras(tmp_path / "a.keras", config), "a.keras", tmp_path)


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("LSTM", {"units": 2000}),
        ("GRUCell", {"units": 100}),
        ("Embedding", {"input_dim": 1000, "output_dim": 1000}),
        ("Conv2D", {"filters": 3, "kernel_size": [3, 10]}),
        ("SeparableConv2D", {"filters": 3, "kernel_size": [300, 300]}),
        ("DepthwiseConv2D", {"kernel_size": [300, 300]}),
        ("MultiHeadAttention", {"num_heads": 2, "key_dim": 10**7}),
        ("UpSampling2D", {"size": [10**5, 10**5]}),
        ("ZeroPadding2D", {"padding": [[10**5, 10**5], [1, 1]]}),
        ("RepeatVector", {"n": 10**9}),
        ("Reshape", {"target_shape": [10**5, 10**5]}),
        ("InputLayer", {"batch_input_shape": [None, 10**5, 10**5]}),
    ],
)
def test_every_kind_of_size(tmp_path, kind, config):
    made = {
        **CONFIG,
        "config": {"layers": [{"class_name": kind, "config": {"name": "o", **config}}]},
    }
    with pytest.raises(ModelError, match="layer o: a "):
        clean_archive(keras(tmp_path / "a.keras", made), "a.keras", tmp_path)


def test_only_what_was_checked_goes_on(tmp_path):
    (tmp_path / "out").mkdir()
    path = keras(tmp_path / "a.keras", **{"assets/vocabulary.txt": b"x", "extra.py": b"x"})
    clean = clean_archive(path, "a.keras", tmp_path / "out")
    with Archive(clean) as archive:
        assert set(archive.members) == {"config.json", "metadata.json", "model.weights.h5"}
    clean = clean_hdf5(hdf5(tmp_path / "a.h5"), "a.h5", tmp_path / "out")
    with h5py.File(clean) as file:
        assert set(file.attrs) == {"keras_version", "model_config"}


def test_names_written_on_windows_are_read(tmp_path):
    def fill(file):
        file["layers\\other/vars/0"] = np.zeros(2)

    (tmp_path / "out").mkdir()
    clean = clean_archive(keras(tmp_path / "a.keras", fill=fill), "a", tmp_path / "out")
    with zipfile.ZipFile(clean) as archive, archive.open("model.weights.h5") as held:
        assert "layers/other/vars/0" in h5py.File(held)


def test_a_fifo_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "net.keras")
    with pytest.raises(WrongUse, match="is a FIFO, not a file"):
        sniff(tmp_path / "net.keras")
