"""Names that come from files are safe wherever a model is made."""

from __future__ import annotations

import json
import re
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ModelError
from pipeline.load import FlatModel, Network
from pipeline.load.compression import Compression
from pipeline.load.names import identifier, printable
from pipeline.load.record import read_record

HOSTILE = ["!sh -c 'id'", "a\nbuild_flags = !id", 'x"; system("id"); "', "${sysenv.HOME}",
           "*/ evil", "../../etc", "\x1b[2J", "", "int", "%s%n", "a" * 5000,
           "\u202e", "net;rm -rf ~"]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_networks_and_flat_models_make_their_names_safe(name):
    for model in (Network(name, "", "", "keras2", None, 0.0), FlatModel(name, b"")):
        assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,63}", model.name)


@given(st.text())
def test_any_text_becomes_an_identifier_and_stays_it(text):
    made = identifier(text)
    assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,63}", made)
    assert identifier(made) == made


@pytest.mark.parametrize(
    ("text", "expected"),
    [("mödel", "model"), ("Größe", "Grosse"), ("čeština", "cestina"), ("smørrebrød", "smorrebrod"),
     ("модель", "model"), ("模型2", "model_2"), ("ｎｅｔ", "net"), ("net²", "net2")],
)  # fmt: skip
def test_letters_of_other_alphabets(text, expected):
    assert identifier(text) == expected


@given(st.text())
def test_printable_text_is_printable(text):
    assert printable(text).isprintable()


RECORD = {
    "name": "net", "source": "there/net.h5", "sha256": "ab" * 32, "source_format": "keras2-h5",
    "check": 1e-7, "compression": None,
}  # fmt: skip
DONE = {
    "method": "magnitude:0.5", "sparsity": 0.5, "layers": {"hidden": 0.5},
    "neurons_removed": {"a": 3}, "frozen": {"out": "why"}, "parameters": [10, 5],
    "float_accuracy": 0.9, "pruned_accuracy": None,
    "float_loss": 1.5, "pruned_loss": None, "epochs": 3, "seconds": 0.0, "notes": ["a note"],
}  # fmt: skip


def archive(path, record):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("network.json", record if isinstance(record, str) else json.dumps(record))
    return path


def test_a_record_of_ours_is_read(tmp_path):
    found = read_record(archive(tmp_path / "a.keras", {**RECORD, "compression": DONE}))
    assert found["compression"] == Compression(
        "magnitude:0.5", 0.5, {"hidden": 0.5}, {"a": 3}, {"out": "why"}, (10, 5), 0.9, None, 1.5,
        None, 3, 0.0, ("a note",),
    )  # fmt: skip
    with zipfile.ZipFile(tmp_path / "b.keras", "w") as file:
        file.writestr("config.json", "{}")
    assert read_record(tmp_path / "b.keras") is None


@pytest.mark.parametrize("key", RECORD)
@pytest.mark.parametrize(
    "value", [[], {}, "x\nbuild_src_flags = !id", "\x1b[2J", -1, 1e30, True, float("nan"), 10**400]
)
def test_a_strangers_record_is_not_believed(tmp_path, key, value):
    path = archive(tmp_path / "a.keras", {**RECORD, key: value})
    with pytest.raises(ModelError, match=r"network\.json"):
        read_record(path)


@pytest.mark.parametrize("key", DONE)
@pytest.mark.parametrize("value", ["x\x1b[2J", -1, [[1]], {"a\n": "b"}, {"a": [1]}, 1e400, True])
def test_a_strangers_compression_is_not_believed(tmp_path, key, value):
    if value == -1 and key.endswith("_loss"):
        return  # some losses are negative
    done = {**DONE, key: value}
    with pytest.raises(ModelError, match=r"network\.json, compression"):
        read_record(archive(tmp_path / "a.keras", {**RECORD, "compression": done}))


@pytest.mark.parametrize(
    "record",
    [{}, [], "{", "null", '"x"', {**RECORD, "keras": "x"}, {**RECORD, "more": 1},
     {**RECORD, "compression": {}}, {**RECORD, "compression": []}, {"name": "x"},
     {**RECORD, "compression": {**DONE, "surprise": 1}},
     {**RECORD, "sha256": "AB" * 32}, {**RECORD, "source_format": "tflite"}],
)  # fmt: skip
def test_other_forms_of_a_record(tmp_path, record):
    with pytest.raises(ModelError):
        read_record(archive(tmp_path / "a.keras", record))
