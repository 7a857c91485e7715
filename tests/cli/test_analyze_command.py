"""`mcu analyze` as a person and as a machine meet it."""

from __future__ import annotations

from pathlib import Path

import pytest


def test_a_person_reads_verdict_layers_and_map(mcu, shared: Path) -> None:
    ran = mcu("analyze", shared / "models/kws_ref_int8.tflite", "--board", "disco_f407vg")
    assert ran.code == 0, ran.err
    for words in ("  fits", "flash", "RAM", "2,656,768 MACs", "memory map", "depthwise_conv2d_3"):
        assert words in ran.out
    # The map's chart has one column per layer.
    assert "#........... input" in ran.out
    assert "the peak is layer 1, depthwise_conv2d" in ran.out
    assert "scratch of depthwise_conv2d  <- peak" in ran.out


def test_a_machine_gets_one_document(mcu, shared: Path) -> None:
    ran = mcu("analyze", shared / "models/kws_ref_int8.tflite", "-b", "disco_f407vg", "--json")
    assert ran.json["fits"] is True
    assert len(ran.json["layers"]) == 12
    assert ran.json["parameters"] == 22_604


@pytest.mark.parametrize(("strict", "code"), [((), 0), (("--strict",), 3)])
def test_not_fitting_is_an_answer_unless_strict(mcu, shared: Path, strict, code: int) -> None:
    ran = mcu("analyze", shared / "models/ad01_int8.tflite", "-b", "bbcmicrobit", *strict)
    assert ran.code == code
    assert "DOES NOT FIT: flash overflows" in ran.out
    assert "would fit" in ran.out


def test_an_arena_limit_that_can_not_be_kept(mcu, shared: Path) -> None:
    model = shared / "models/kws_ref_int8.tflite"
    ran = mcu("analyze", model, "-b", "disco_f407vg", "--ram-limit", "6KB")
    assert ran.code == 3
    assert "depthwise_conv2d: the arena takes at least" in ran.err
    assert "6,144 are allowed" in ran.err
    assert mcu("analyze", model, "-b", "disco_f407vg", "--ram-limit", "9.5KB").code == 0
    assert mcu("analyze", model, "-b", "disco_f407vg", "--ram-limit", "0").code == 2


def test_wrong_use(mcu, shared: Path, tmp_path: Path) -> None:
    model = shared / "models/ad01_int8.tflite"
    assert mcu("analyze", model, "-b", "disco_f407").code == 2
    assert mcu("analyze", model, "-b", "disco_f407vg", "--optimize", "all").code == 2
    assert mcu("analyze", tmp_path / "none.keras", "-b", "disco_f407vg").code == 2
    assert mcu("analyze", model, "-b", "disco_f407vg", "--prune", "magnitude:2").code == 2


@pytest.mark.slow
def test_an_untrained_keras_network(mcu, tmp_path: Path) -> None:
    from pipeline.load.tfenv import keras3, tensorflow

    tensorflow()
    keras = keras3()
    layers = keras.layers
    keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Conv2D(16, 3, padding="same"), layers.Flatten(),
         layers.Dense(10, bias_initializer="ones")]  # the converter drops a bias of zeros
    ).save(tmp_path / "new.keras")  # fmt: skip
    ran = mcu("analyze", tmp_path / "new.keras", "-b", "disco_f407vg", "--json")
    assert ran.code == 0, ran.err
    assert ran.json["source"] == "keras3"
    assert ran.json["parameters"] == 16 * 10 + 10 * 1025
    assert "generated inputs" in ran.json["notes"][0]
    pruned = mcu("analyze", tmp_path / "new.keras", "-b", "disco_f407vg", "-p", "magnitude:0.875",
                 "--json")  # fmt: skip
    assert pruned.json["zero_share"] > 0.8
