"""Measurement: what the chip did."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.measure.energy import Energy
from pipeline.measure.scores import Scores, Task
from pipeline.measure.truth.plan import Ruling
from pipeline.measure.verdict import Verdict


@dataclass(frozen=True)
class Latency:
    """Cost of one inference over a number of them.

    Attributes:
        inferences: how many were counted.
        unit: "cycles" on boards, "instructions" on emulators.
        minimum, median, p95, maximum: in that unit; p95: 95 of 100 inferences cost no more.
        seconds: median in seconds; None on an emulator, whose time says nothing.
        clock_hz: the chip's clock, measured by this machine's; None where it was not.
    """

    inferences: int
    unit: Literal["cycles", "instructions"]
    minimum: int
    median: int
    maximum: int
    seconds: float | None
    p95: int = 0
    clock_hz: float | None = None


@dataclass(frozen=True)
class Accuracy:
    """Answers of the chip, and of the host for the same inputs.

    Attributes:
        samples: how many inputs were sent.
        device, host: top-1 accuracy 0..1; None without classes.
        identical_outputs: samples whose output tensors equal the reference's bit for bit;
            None where no reference could be run.
        reference: what ran on the host ("tflite-micro 0.dev20261023182759").
        reference_reason: why it is not TFLite Micro; "" where it is.
        rulings: the ops that something else than `reference` is right about.
        verdict: "identical"; "close", apart by no more than floats may be; "different"; "none"
            where nothing was compared.
        alarm: what is wrong with the answers, in words; "" where nothing is.
        alarm_layer: the first layer that differs, where that could be told.
        different: indices of the samples that differ (the first 100).
        task: what the answers are judged as.
        k: of top-k; None where there are not more classes.
        on_device, on_host: the task's figures; None without labels.
        largest_steps, largest_difference: by how much the first outputs of chip and reference
            differ at most, in steps of a quantised output and in real values.
        largest_ulps: the same for float outputs, in units in the last place of the largest
            value of its sample.
    """

    samples: int
    device: float | None
    host: float | None
    identical_outputs: int | None
    reference: str
    different: tuple[int, ...] = ()
    task: Task = "none"
    k: int | None = None
    on_device: Scores | None = None
    on_host: Scores | None = None
    largest_steps: int | None = None
    largest_difference: float | None = None
    largest_ulps: float | None = None
    reference_reason: str = ""
    rulings: tuple[Ruling, ...] = ()
    verdict: Verdict = "none"
    alarm: str = ""
    alarm_layer: str = ""


@dataclass(frozen=True)
class Memory:
    """Memory as seen by the running firmware.

    Attributes:
        stack_peak_bytes: high-water mark of the painted stack.
        stack_bytes: stack reserved by the linker script.
    """

    stack_peak_bytes: int
    stack_bytes: int


@dataclass(frozen=True)
class LayerCost:
    """Cost of one layer in the latency's unit."""

    index: int
    cost: int


@dataclass(frozen=True)
class Measurement:
    """All that was read back over the serial line.

    Attributes:
        outputs: (samples, output elements) raw output tensors, in the model's own type.
        firmware: what the firmware says of itself: key -> value.
        link: what the line has cost (`LinkStats`): count by name.
        energy: of one inference, where a meter or a recorded trace told it.
        data: the samples: their name, and the SHA-256 of inputs and labels as used.
    """

    latency: Latency
    accuracy: Accuracy
    memory: Memory
    layers: tuple[LayerCost, ...]
    outputs: NDArray[np.generic]
    firmware: dict[str, str]
    link: dict[str, int] = field(default_factory=dict)
    data: dict[str, str] = field(default_factory=dict)
    energy: Energy | None = None
