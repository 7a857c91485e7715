"""Recipes as text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.errors import WrongUse
from pipeline.prune.recipe import Cluster, Magnitude, Neurons, parse_recipe


@pytest.mark.parametrize(
    ("text", "stages"),
    [
        ("none", ()),
        ("", ()),
        ("magnitude:0.75", (Magnitude(0.75),)),
        ("neurons:0.5", (Neurons(0.5),)),
        ("neurons:0.5+magnitude:0.8", (Neurons(0.5), Magnitude(0.8))),
        ("magnitude:0.8+cluster:16,skip=out", (Magnitude(0.8), Cluster(16, ("out",)))),
        ("magnitude:2:4", (Magnitude(0.5, "layer", "constant", n_m=(2, 4)),)),
        (
            "magnitude:0.9,scope=layer,schedule=constant,begin=0.1,end=1,block=4x1,depthwise=0.25",
            (Magnitude(0.9, "layer", "constant", 0.1, 1.0, block=(4, 1), depthwise=0.25),),
        ),
        (
            "magnitude:0.9,skip=dense,skip=conv,layer.out=0.5",
            (Magnitude(0.9, layers={"out": 0.5}, skip=("dense", "conv")),),
        ),
        (
            "neurons:0.25,score=taylor,multiple=8,floor=2,layer.a=0.75",
            (Neurons(0.25, "taylor", 8, 2, {"a": 0.75}),),
        ),
    ],
)
def test_recipes(text, stages):
    assert parse_recipe(text).stages == stages


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("magnitude:1.5", "sparsity 1.5 is not within"),
        ("magnitude:1", "sparsity 1 is not within"),
        ("magnitude:-0.1", "not within"),
        ("magnitude:nan", "not within"),
        ("magnitude:much", "not within"),
        ("neurons:2", "fraction 2 is not within"),
        ("magnitude", "is no way of pruning"),
        ("weights:0.5", "is no way of pruning"),
        ("magnitude:0.5+", "is no way of pruning"),
        ("magnitude:0.5,speed=1", "'speed' is not known"),
        ("magnitude:0.5,skip", "'skip' is not known"),
        ("magnitude:4:4", "would leave nothing"),
        ("magnitude:0.5,schedule=step", "schedule 'step'"),
        ("magnitude:0.5,begin=0.5,end=0.5", "before it begins"),
        ("magnitude:0.5,block=0x1", "positive whole number"),
        ("neurons:0.5,score=luck", "score 'luck'"),
        ("cluster:1", "two distinct weights"),
        ("cluster:0.5", "positive whole number"),
        ("cluster:8,speed=1", "'speed' is not known"),
        ("neurons:0.5,multiple=x", "positive whole number"),
    ],
)
def test_recipes_without_sense(text, message):
    with pytest.raises(WrongUse, match=message):
        parse_recipe(text)


def test_the_recipes_of_the_docs_are_understood() -> None:
    page = (Path(__file__).parents[2] / "docs/pruning.md").read_text()
    shown = [
        line.strip() for line in page.splitlines() if re.match(r"    (magnitude|neurons)", line)
    ]
    assert len(shown) == 7
    assert all(parse_recipe(text).stages for text in shown)
    samples = {"S": "0.5", "NAME": "dense", "F": "0.4", "HxW": "2x2"}
    for kind in ("magnitude", "neurons"):
        rows = page.partition(f"\n## {kind.capitalize()}")[2].partition("\n## ")[0]
        options = re.findall(r"`((?:layer\.)?\w+)=(\w+)`", rows)
        assert options
        for name, value in options:
            known = name.replace("NAME", "dense")
            assert parse_recipe(f"{kind}:0.5,{known}={samples.get(value, value)}").stages
