"""Each option is said once, and everything that knows options knows it."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from dataclasses import FrozenInstanceError, dataclass, fields
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from pipeline import deploy
from pipeline.bench.matrix import matrix
from pipeline.cli import options as command_line
from pipeline.deploy import Asked
from pipeline.errors import WrongUse
from pipeline.options import GROUPS, DataOptions, Group, Options, options_of
from pipeline.options.option import field_of, kind_of, option
from pipeline.options.page import page
from pipeline.options.signature import spelled_out
from pipeline.testing.rig import Rig

ROOT = Path(__file__).resolve().parents[2]
NAMES = list(options_of(Options))


@pytest.fixture(scope="module")
def deploy_help() -> str:
    mcu = Path(sys.executable).with_name("mcu")
    ran = subprocess.run([mcu, "deploy", "--help"], capture_output=True, text=True, check=True)
    return ran.stdout


# Every option ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_an_option_is_known_everywhere(name: str, deploy_help: str) -> None:
    found = options_of(Options)[name]
    assert found.help
    assert found.flag == "--" + name.replace("_", "-")
    assert all(flag.startswith("-") for flag in found.flags)
    parameter = inspect.signature(deploy).parameters[name]
    assert parameter.kind is inspect.Parameter.KEYWORD_ONLY
    assert parameter.default == field_of(Options, name).default
    assert re.search(rf"^ {{8}}{name}: \S", deploy.__doc__ or "", re.M)
    for flag in found.flags:
        shown = flag.replace("/", " / ")
        assert re.search(rf"(^|[ ,]){re.escape(shown)}\b", deploy_help, re.M), flag
    assert f"`{name}: " in (ROOT / "docs/options.md").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_defaults_have_sense_and_the_type_of_the_option(name: str) -> None:
    kind, nullable = kind_of(Options, name)
    default = field_of(Options, name).default
    assert default is None if nullable else isinstance(default, kind)
    options_of(Options)[name].refuse(default)


def test_every_field_is_an_option_and_in_one_group() -> None:
    assert [f.name for f in fields(Options)] == NAMES
    assert [name for group in GROUPS for name in options_of(group)] == NAMES


def test_the_page_is_not_stale() -> None:
    assert (ROOT / "docs/options.md").read_text() == page(), "run `make docs`"


def test_the_page_is_written_by_a_command(tmp_path: Path) -> None:
    run = [sys.executable, "-m", "pipeline.options"]
    subprocess.run([*run, tmp_path / "options.md"], check=True)
    assert (tmp_path / "options.md").read_text() == page()
    assert subprocess.run(run, capture_output=True, check=False).returncode == 1


# One more ----------------------------------------------------------------------------------


def _sharp(value: int) -> None:
    if value > 9:
        raise WrongUse("is too hot", where="--spice")


@dataclass(frozen=True, kw_only=True)
class KitchenGroup(Group):
    """The kitchen."""

    spice: int = option(3, "--spice", help="How hot | how cold.", least=1, check=_sharp)


@dataclass(frozen=True, kw_only=True)
class More(Options, KitchenGroup):
    """One option more."""


@dataclass(frozen=True)
class AskedMore(More):
    """What a deployment with it would be called with."""

    model: str
    board: str


def test_an_option_more_is_one_field_more() -> None:
    """The field is all it takes: signature, docstring, command line, page and checks follow."""

    @spelled_out(AskedMore)
    def cook(asked: AskedMore) -> int:
        """Cooks.

        Args:
            {options}
        """
        asked.check()
        return asked.spice

    assert cook("m", board="b", spice=5) == 5
    assert cook("m", "b") == 3
    assert inspect.signature(cook).parameters["spice"].default == 3
    assert "spice: How hot" in (cook.__doc__ or "")
    with pytest.raises(WrongUse, match="--spice"):
        cook("m", "b", spice=0)
    with pytest.raises(WrongUse, match="too hot"):
        cook("m", "b", spice=10)

    assert "| `--spice` | `spice: int` | `3` | How hot \\| how cold. At least 1. |" in page(
        [KitchenGroup]
    )

    app, got = typer.Typer(rich_markup_mode=None), []

    @app.command()
    @command_line.offers(More, group=More)
    def command(model: str, chosen: Options) -> None:
        got.append((model, chosen))

    assert "--spice" in CliRunner().invoke(app, ["--help"]).output
    assert CliRunner().invoke(app, ["m", "--spice", "7", "--seed", "2"]).exit_code == 0
    assert got == [("m", More(spice=7, seed=2))]
    assert CliRunner().invoke(app, ["m", "--spice", "0"]).exit_code == 2


def test_a_command_offers_what_it_names() -> None:
    app, got = typer.Typer(rich_markup_mode=None), []

    @app.command()
    @command_line.offers(DataOptions, "trust", without=("samples",), required=("data",))
    def command(model: str, chosen: Options, json: command_line.Json = False) -> None:
        got.append((model, chosen, json))

    run = CliRunner()
    assert run.invoke(app, ["m", "-d", "digits", "--trust", "--json"]).exit_code == 0
    assert got == [("m", Options(data="digits", trust=True), True)]
    assert run.invoke(app, ["m"]).exit_code == 2
    for absent in ("--samples=3", "--engine=aot"):
        assert run.invoke(app, ["m", "-d", "digits", absent]).exit_code == 2


# Names and values without sense -------------------------------------------------------------


@pytest.mark.parametrize("where", ["deploy", "board.deploy", "bench"])
@pytest.mark.parametrize(
    ("name", "near"), [("sampels", "samples"), ("optimise", "optimize"), ("zzz", "there are")]
)
def test_an_unknown_option_gets_the_nearest_names(
    where: str, name: str, near: str, tmp_path: Path
) -> None:
    model = tmp_path / "m.tflite"
    model.write_bytes(b"")
    calls = {
        "deploy": lambda: deploy(model, board="disco_f407vg", **{name: 1}),
        "board.deploy": lambda: Rig("disco_f407vg", "qemu", folder=tmp_path).deploy(
            model, **{name: 1}
        ),
        "bench": lambda: matrix([model], ["disco_f407vg"], **{name: 1}),
    }
    with pytest.raises(WrongUse, match=f"no option '{name}'") as caught:
        calls[where]()
    assert where in caught.value.where
    assert near in caught.value.hint
    assert [p.name for p in tmp_path.iterdir()] == ["m.tflite"]


@pytest.mark.parametrize("name", ["on", "port", "until", "out"])
def test_the_rig_decides_where_it_runs(name: str, tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="no option"):
        Rig("disco_f407vg", "qemu", folder=tmp_path).deploy(tmp_path / "m", **{name: "qemu"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("engine", "onnx"), ("optimize", "fast"), ("scheme", "int4"), ("control", "none"),
        ("until", "lunch"), ("task", "guessing"), ("on", "moon"), ("on", "labgrid:"),
        ("samples", 0), ("samples", "many"), ("epochs", -1), ("test_fraction", 1.0),
        ("prune", "magnitude"), ("ram_limit", "little"), ("mlperf", "kws99"),
    ],
)  # fmt: skip
def test_a_value_without_sense_names_the_flag(name: str, value: object) -> None:
    with pytest.raises(WrongUse) as caught:
        Options(**{name: value}).check()  # type: ignore[arg-type]
    assert name in caught.value.where.replace("-", "_") or name == "prune"


def test_values_are_frozen_and_go_through_json() -> None:
    options = Options(out=Path("run"), samples=3)
    with pytest.raises(FrozenInstanceError):
        options.samples = 4  # type: ignore[misc]
    assert Options(**options.to_json()) == Options(out="run", samples=3)
    assert options.given() == {"out": Path("run"), "samples": 3}
    assert options.of(DataOptions) == DataOptions(samples=3)


def test_a_call_keeps_pythons_own_errors() -> None:
    with pytest.raises(TypeError, match="board"):
        deploy("m.tflite")  # type: ignore[call-arg]
    assert [f.name for f in fields(Asked)][-4:] == ["model", "board", "strict", "progress"]
    assert inspect.signature(deploy).return_annotation == "Deployment"


SNIPPET = """
from pipeline import deploy
deploy("kws.tflite", board="disco_f407vg", data="kws.npz", samples=20)
deploy("kws.tflite", "disco_f407vg", sampels=20)
deploy("kws.tflite", "disco_f407vg", samples="20")
reveal_type(deploy("kws.tflite", "disco_f407vg").notes)
"""


@pytest.mark.slow
def test_type_checkers_know_the_options(tmp_path: Path) -> None:
    (tmp_path / "user.py").write_text(SNIPPET)
    words = ["--follow-imports=skip", "--ignore-missing-imports", "--no-error-summary"]
    ours = [ROOT / "pipeline" / name for name in ("__init__.py", "deploy.py", "progress.py")]
    ours += (ROOT / "pipeline/options").glob("*.py")
    ran = subprocess.run(
        [sys.executable, "-m", "mypy", *words, "--cache-dir", tmp_path / "cache", *ours, "user.py"],
        cwd=tmp_path, env={"MYPYPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = [line for line in ran.stdout.splitlines() if 'deploy" defined in' not in line]
    assert len(lines) == 3, ran.stdout + ran.stderr
    assert 'user.py:4: error: Unexpected keyword argument "sampels"' in lines[0]
    assert 'user.py:5: error: Argument "samples"' in lines[1]
    assert "tuple[str, ...]" in lines[2]
