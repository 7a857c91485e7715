"""Studies: kept in a file, guarded, stopped and gone on with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from stub_search import SPACE, Stub

from pipeline.errors import ModelError, StepFailed, ToolMissing, WrongUse
from pipeline.options import Options
from pipeline.search.front import Tried
from pipeline.search.settings import Settings
from pipeline.search.space import Candidate
from pipeline.search.study import database_url, front_of, open_study, shown
from pipeline.search.work import Outcome, work


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "net.keras").write_bytes(b"a network")
    np.savez(tmp_path / "d.npz", x=np.zeros((4, 2)), y=np.zeros(4))
    return Settings(
        model=str(tmp_path / "net.keras"),
        board="disco_f407vg",
        out=str(tmp_path / "search"),
        options=Options(data=str(tmp_path / "d.npz")),
        trials=6,
    )


@pytest.mark.slow
def test_a_search_is_kept_and_gone_on_with(settings: Settings) -> None:
    seen: list[Tried] = []
    first = Stub()
    work(open_study(settings, SPACE), first, trials=6, on_trial=seen.append)
    front = front_of(open_study(settings), settings)
    assert first.seen[0] == Candidate("none", "balanced")
    assert len({(t.prune, t.optimize) for t in front.tried if t.twin is None}) == 6
    assert [t.number for t in seen] == [t.number for t in front.tried]
    assert front.numbers and set(front.numbers) <= {t.number for t in front.tried}
    again = Stub()
    work(open_study(settings, SPACE), again, trials=6)
    assert not again.seen, "the study holds enough"
    work(open_study(settings, SPACE), again, trials=8)
    assert len(again.seen) == 2
    assert not set(again.seen) & set(first.seen), "no candidate is measured twice"


@pytest.mark.slow
def test_hopeless_trials_are_ended_and_say_why(settings: Settings) -> None:
    study = open_study(settings, SPACE)
    study.enqueue_trial({"kind": "magnitude", "optimize": "size", "magnitude.dense": 0.95})
    work(study, Stub(), trials=8)
    ended = [t for t in front_of(study, settings).tried if t.state == "ended"]
    assert any(t.prune == "magnitude:0.95" for t in ended)
    assert all("below the floor" in t.reason for t in ended)
    assert not {t.number for t in ended} & set(front_of(study, settings).numbers)


def test_ctrl_c_keeps_the_study_and_the_trial(settings: Settings) -> None:
    class Interrupted(Stub):
        def __call__(self, candidate: Candidate, number: int, tried: tuple[Tried, ...]) -> Outcome:
            if len(self.seen) == 2:
                self.seen.append(candidate)
                raise KeyboardInterrupt
            return super().__call__(candidate, number, tried)

    stopped = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        work(open_study(settings, SPACE), stopped, trials=6)
    front = front_of(open_study(settings), settings)
    states = [t.state for t in front.tried if t.state != "waiting"]
    assert states == ["measured", "measured", "lost"]
    rest = Stub()
    work(open_study(settings), rest, trials=6)
    assert stopped.seen[2] in rest.seen, "the interrupted candidate is tried again"
    assert len(rest.seen) == 4


@pytest.mark.parametrize(
    ("change", "says"),
    [("model", "another model"), ("data", "another data set"), ("board", "another board"),
     ("epochs", "another number of epochs")],
)  # fmt: skip
def test_a_study_of_something_else_is_refused(
    settings: Settings, tmp_path: Path, change: str, says: str
) -> None:
    open_study(settings, SPACE)
    other = {"board": "mps2_an386"}.get(change)
    if change == "model":
        (tmp_path / "net.keras").write_bytes(b"another network")
    elif change == "data":
        np.savez(tmp_path / "d.npz", x=np.ones((4, 2)), y=np.zeros(4))
    name = {"study": "net-disco_f407vg"}
    if change == "epochs":
        change, other = "options", replace(settings.options, epochs=3)
    with pytest.raises(WrongUse, match=says) as caught:
        open_study(replace(settings, **name, **({change: other} if other else {})), SPACE)
    assert "--out" in caught.value.hint


def test_another_engine_is_refused_for_trials_and_taken_for_reading(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_study(settings, SPACE)
    monkeypatch.setattr("pipeline.search.settings._engine", lambda: "newer")
    with pytest.raises(WrongUse, match="another version of the engine"):
        open_study(settings)
    assert front_of(open_study(settings, any_engine=True), settings).points == ()


def test_no_study_and_a_damaged_one(settings: Settings) -> None:
    with pytest.raises(WrongUse, match="no study"):
        open_study(settings)
    (settings.folder / "study.db").write_bytes(b"this is not a database" * 100)
    with pytest.raises(StepFailed, match="can't be used"):
        open_study(settings, SPACE)


def test_database_urls(settings: Settings) -> None:
    server = replace(settings, storage="postgresql://me:secret@127.0.0.1:1/x")
    assert database_url(server) == "postgresql+psycopg://me:secret@127.0.0.1:1/x"
    assert "secret" not in shown(server)
    with pytest.raises(StepFailed, match="can't be used") as caught:
        open_study(server, SPACE)
    assert "secret" not in str(caught.value)
    for bad in ("not a url", "nosuchdb://host/x"):
        with pytest.raises(WrongUse, match="no database URL"):
            open_study(replace(settings, storage=bad), SPACE)


class Broken(Stub):
    def __init__(self, error: Exception, spared: str = "") -> None:
        super().__init__()
        self.error, self.spared = error, spared

    def __call__(self, candidate: Candidate, number: int, tried: tuple[Tried, ...]) -> Outcome:
        if candidate.prune == self.spared:
            return super().__call__(candidate, number, tried)
        raise self.error


@pytest.mark.slow
def test_a_candidate_that_fails_is_noted_and_passed_over(settings: Settings) -> None:
    study = open_study(settings, SPACE)
    work(study, Broken(ModelError("the loss is NaN", where="net"), "none"), trials=4)
    tried = front_of(study, settings).tried
    failed = [t for t in tried if t.state == "failed" and t.twin is None]
    assert failed and all("NaN" in t.reason for t in failed)


@pytest.mark.slow
@pytest.mark.parametrize(
    "error", [ToolMissing("no compiler"), OSError(28, "No space left on device")]
)
def test_what_stops_every_candidate_stops_the_search(settings: Settings, error: Exception) -> None:
    study = open_study(settings, SPACE)
    with pytest.raises((ToolMissing, StepFailed), match=r"no compiler|No space left"):
        work(study, Broken(error, "none"), trials=6)
    # Once that is mended, the same study goes on.
    rest = Stub()
    work(study, rest, trials=6)
    assert len(front_of(study, settings).points) >= 1
    assert "failed" not in {t.state for t in front_of(study, settings).tried}


def test_an_unpruned_model_that_does_not_run_stops_the_search(settings: Settings) -> None:
    with pytest.raises(ModelError, match="GRU"):
        work(open_study(settings, SPACE), Broken(ModelError("no kernel for GRU")), trials=6)


def test_seconds_end_it(settings: Settings) -> None:
    stub = Stub(0.05)
    work(open_study(settings, SPACE), stub, trials=1000, seconds=0.3)
    assert 1 <= len(stub.seen) < 20
