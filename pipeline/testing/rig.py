"""A rig: boards that stay connected while one test after the other uses them.

What pytest's `board` fixture gives; of use in a notebook too:

    with Rig("disco_f407vg", "qemu", folder=Path("rig")) as rig:
        kws = rig.deploy(Path("kws.tflite"))
        print(kws.accuracy(x, y), kws.latency(x).median)
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from pipeline import system
from pipeline.board import load_board
from pipeline.errors import DeviceError, McuError, WrongUse
from pipeline.options import PLACES, Options, options_of, refuse_unknown
from pipeline.run import Run, digest, private_folder
from pipeline.testing.serial_log import LoggedPort, SerialLog

if TYPE_CHECKING:
    from pipeline.build import Image
    from pipeline.convert import Graph
    from pipeline.flash import Device
    from pipeline.load import Dataset, FlatModel
    from pipeline.measure import Latency, Measurement

T = TypeVar("T")
# Decided by the rig: where it runs is said once for all tests.
_OURS = {"on", "port", "until", "out"}


class Deployed:
    """A model on the board. Emulators and ports are opened when first used.

    Attributes:
        image: the firmware and its sizes.
        board: the board's id.
    """

    def __init__(self, rig: Rig, name: str, folder: Path) -> None:
        from pipeline.convert import read_graph
        from pipeline.steps import artifacts

        run = Run(folder)
        self._rig = rig
        self.name = name
        self.image: Image = artifacts.image_of(run)
        self.board = self.image.board
        self.project = artifacts.project_of(run).path
        self._flat: FlatModel = artifacts.flat_of(folder)
        self._graph: Graph = read_graph(self._flat)
        self.log = SerialLog()

    def __repr__(self) -> str:
        return f"<{self.name}>"

    @property
    def flash_bytes(self) -> int:
        """All that is stored in flash."""
        return self.image.flash_bytes

    @property
    def ram_bytes(self) -> int:
        """Static RAM, the arena included."""
        return self.image.ram_bytes

    def outputs(self, x: NDArray[Any]) -> NDArray[Any]:
        """Raw output tensors.

        Args:
            x: (n, ...) samples: real values, or integers of the model's own input type.

        Returns:
            (n, elements) in the model's own output type.

        Raises:
            DataError: the samples are not what the model takes.
            DeviceError: no answer.
        """
        __tracebackhide__ = True
        return self._on_the_board(lambda: self._infer(x)[0])

    def predict(self, x: NDArray[Any]) -> NDArray[np.int64]:
        """Class indices, (n,)."""
        __tracebackhide__ = True
        from pipeline.measure.inputs import predicted

        return predicted(self.outputs(x), self._graph.tensors[self._graph.outputs[0]])

    def accuracy(self, x: NDArray[Any], y: NDArray[Any]) -> float:
        """Share of right answers, 0..1; y are class indices or one-hot rows."""
        __tracebackhide__ = True
        data = _bare(lambda: self._dataset(x, y))
        return float(np.mean(self.predict(x) == data.y))

    def latency(self, x: NDArray[Any]) -> Latency:
        """Cost of an inference over these samples."""
        __tracebackhide__ = True
        return self.measure(x).latency

    def measure(self, x: NDArray[Any], y: NDArray[Any] | None = None) -> Measurement:
        """All that `mcu measure` finds: cost, layers, memory, and the same on the host."""
        __tracebackhide__ = True
        from pipeline.measure import measure

        def work() -> Measurement:
            device, port = self._rig.open(self)
            board = load_board(self.board)
            return measure(device, board, self._flat, self._dataset(x, y), port=port)

        return self._on_the_board(work)

    def _dataset(self, x: NDArray[Any], y: NDArray[Any] | None) -> Dataset:
        from pipeline.load import Dataset, Signature
        from pipeline.load.fit import fit_samples, fit_targets

        tensors, graph = self._graph.tensors, self._graph
        source, sink = tensors[graph.inputs[0]], tensors[graph.outputs[0]]
        signature = Signature(source.shape[1:], source.dtype, sink.shape[1:])
        samples, quantized = fit_samples("x", np.asarray(x), signature, None, 0.0)
        labels, targets = None, None
        if y is not None:
            labels, targets = fit_targets("y", np.asarray(y), len(samples), signature)
        return Dataset("x", samples, labels, quantized, targets)

    def _infer(self, x: NDArray[Any]) -> tuple[NDArray[Any], list[int]]:
        from pipeline.measure import Link, Session
        from pipeline.measure.inputs import input_tensors

        inputs = input_tensors(self._graph, self._dataset(x, None))
        device, port = self._rig.open(self)
        session = Session(Link(port, where=device.port or self.name, symbols=device.elf))
        firmware = session.hello()
        if firmware.get("sha256") != self._flat.sha256:
            raise DeviceError(
                f"the board holds another model: {firmware.get('model')}", where=self.name
            )
        answers = list(session.infer_all(sample.tobytes() for sample in inputs))
        sink = self._graph.tensors[self._graph.outputs[0]]
        count = int(np.prod(sink.shape[1:], dtype=int)) * np.dtype(sink.dtype).itemsize
        raw = b"".join(answer.output[:count] for answer in answers)
        rows = np.frombuffer(raw, np.dtype(sink.dtype)).reshape(len(answers), -1)
        return rows, [answer.ticks for answer in answers]

    def _on_the_board(self, work: Callable[[], T]) -> T:
        """Does it; a line that has failed is closed, so that the next use starts anew."""
        __tracebackhide__ = True

        def careful() -> T:
            try:
                return work()
            except DeviceError:
                self._rig.close(self)
                raise

        return _bare(careful)


def _check_place(port: str, typed: bool) -> None:
    """Raises WrongUse for what is no port that may be named here."""
    from pipeline.flash.portname import check_port

    where = "--mcu-on" if typed else "mcu_on of pytest's configuration"
    try:
        check_port(port, typed=typed, where=where)
    except WrongUse as error:
        if "://" in port or port.startswith(("/", "labgrid:")):
            raise
        raise WrongUse(
            f"{port!r} is no place to run",
            where=where,
            hint=f"{', '.join(PLACES)}, or a serial port such as /dev/ttyACM0",
        ) from error


class Rig:
    """Boards of one kind. A context manager: the end closes ports and emulators.

    Args:
        board: board id.
        on: "qemu", "renode", "auto", "probe", "serial", or a real board's serial port.
        folder: run folders are kept there.
        typed: a person says where; a file (pytest's configuration) may name less.

    Raises:
        WrongUse: there is no such board.
    """

    def __init__(self, board: str, on: str = "auto", *, folder: Path, typed: bool = True) -> None:
        self.board = load_board(board)
        self.on = on if on in PLACES else "auto"
        self.port = "" if on in PLACES else on
        if on not in PLACES:
            _check_place(self.port, typed)
        self._folder = folder
        self._deployed: dict[str, Deployed] = {}
        self._open: dict[Deployed, tuple[Device, LoggedPort, contextlib.ExitStack]] = {}
        self._locks = contextlib.ExitStack()
        self._locked: set[str] = set()

    def __enter__(self) -> Rig:
        return self

    def __exit__(self, *_: object) -> None:
        for deployed in list(self._open):
            self.close(deployed)
        self._locks.close()

    def deploy(self, model: Path, **options: Any) -> Deployed:
        """Builds a model for the board, or takes what is built.

        Args:
            options: as `pipeline.deploy` takes them: engine, optimize, prune, data, ...;
                docs/options.md lists them.

        Raises:
            WrongUse: an option that is none, or that the rig decides.
            McuError: a branch of it, see pipeline.errors.
        """
        from pipeline.deploy import deploy_with

        refuse_unknown(options, set(options_of(Options)) - _OURS, "board.deploy")
        told = Options(**options)
        key = digest(str(model.resolve()), self.board.id, told.given())[:12]
        if key not in self._deployed:
            name = f"{model.stem}-{self.board.id}-{key}"
            # Other processes of the same test run may want the same.
            with _lock(self._folder / f"{name}.lock"):
                told = replace(told, until="build", out=self._folder / name)
                done = deploy_with(model, self.board.id, told)
            self._deployed[key] = Deployed(self, f"{model.name} on {self.board.id}", done.folder)
        return self._deployed[key]

    def open(self, deployed: Deployed) -> tuple[Device, LoggedPort]:
        """The device that holds this model, and its open port."""
        if deployed not in self._open:
            self._connect(deployed)
        device, port, _ = self._open[deployed]
        return device, port

    def close(self, deployed: Deployed) -> None:
        """Closes its port, ends its emulator."""
        if (found := self._open.pop(deployed, None)) is not None:
            found[2].close()

    def _connect(self, deployed: Deployed) -> None:
        from pipeline.flash import connect, flash

        if not self._emulated():
            # One real board holds one firmware: whatever runs there has to go.
            for other in list(self._open):
                self.close(other)
            self._claim(self.port or self.board.id)
        device = flash(
            deployed.image, self.board, self.on, port=self.port, project=deployed.project
        )
        with contextlib.ExitStack() as stack:
            port = LoggedPort(stack.enter_context(connect(device, self.board)), deployed.log)
            self._open[deployed] = (device, port, stack.pop_all())

    def _emulated(self) -> bool:
        if self.on in ("qemu", "renode"):
            return True
        if self.on != "auto" or self.port:
            return False
        from pipeline.flash import ports

        return not any(self.board.id in info.boards for info in ports())

    def _claim(self, name: str) -> None:
        """Waits until no other process of the test run uses the real board."""
        if name not in self._locked:
            plain = re.sub(r"\W+", "_", name)
            self._locks.enter_context(_lock(private_folder() / f"board{plain}.lock"))
            self._locked.add(name)


class RigBoard:
    """The board as one test sees it.

    Args:
        near: models are looked for here first, then in the working directory.
    """

    def __init__(self, rig: Rig, near: Path) -> None:
        self._rig = rig
        self._near = near
        self._used: dict[Deployed, int] = {}

    @property
    def id(self) -> str:
        """The board's id."""
        return self._rig.board.id

    def deploy(self, model: str | Path, **options: Any) -> Deployed:
        """See `Rig.deploy`; a path is relative to the test's file or the working directory."""
        __tracebackhide__ = True
        beside = self._near / model
        path = beside if beside.exists() else Path(model)
        deployed = _bare(lambda: self._rig.deploy(path, **options))
        self._used.setdefault(deployed, deployed.log.mark())
        return deployed

    def serial_logs(self) -> Iterator[tuple[str, str]]:
        """What went over the lines since this test has used them: model and text."""
        for deployed, mark in self._used.items():
            if text := deployed.log.text(mark):
                yield deployed.name, text


def _bare(work: Callable[[], T]) -> T:
    """Lets our errors through without the frames of our own: the test's line is what counts."""
    __tracebackhide__ = True
    try:
        return work()
    except McuError as error:
        found = error.with_traceback(None)
    raise found from None


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with system.locked(path):
        yield
