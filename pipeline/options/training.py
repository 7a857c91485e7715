"""What is done to a Keras network, and how it is trained on the way."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.errors import WrongUse
from pipeline.options.option import Group, option, options_of

# Post-training, and int8 that is trained for.
SCHEMES = ("int8", "int16x8", "qat")


def _recipe(text: str) -> None:
    if text != "none":
        from pipeline.prune import parse_recipe

        parse_recipe(text)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class CompressGroup(Group):
    """Compression of a Keras network."""

    prune: str = option(
        "none",
        "--prune",
        "-p",
        help="magnitude:S, neurons:S or neurons:S+magnitude:S; none.",
        more="All kinds are in docs/pruning.md.",
        check=_recipe,
    )
    scheme: str = option(
        "int8",
        "--scheme",
        help="How a Keras model is quantised: int8, int16x8 or qat (int8 that is trained for).",
        more="qat keeps the zeros of a pruned network.",
        choices=SCHEMES,
    )
    trust: bool = option(
        False, "--trust", help="Run the code inside the model file (Lambda layers)."
    )


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class TrainGroup(Group):
    """Training on the way."""

    epochs: int | None = option(
        None,
        "--epochs",
        help="Epochs of fine-tuning after pruning, and of qat.",
        more="Chosen by the data where it is not given.",
        least=0,
    )
    rate: float | None = option(
        None, "--rate", help="Learning rate fine-tuning starts with: 0.003."
    )
    distill: bool | None = option(
        None,
        "--distill/--no-distill",
        help="Learn from the unpruned network too.  [default: where labels are few]",
    )
    max_drop: float | None = option(
        None,
        "--max-drop",
        help="Prune step by step, while accuracy falls by no more: 0.02 is two points.",
    )
    control: str | None = option(
        None,
        "--control",
        help="scratch: train the pruned shape anew too; the better stays.",
        choices=("scratch",),
    )


@dataclass(frozen=True, kw_only=True)
class TrainOptions(TrainGroup):
    """How a network is trained on the way. See `pipeline.prune.prune`."""

    def check_use(self, *, data: bool, prunes: bool) -> None:
        """Refuses what has no sense, before any work.

        Args:
            data: there is a data set.
            prunes: the network is pruned at all.

        Raises:
            WrongUse: amounts out of range, or options that nothing would heed.
        """
        from pipeline.prune import check_options

        self.check()
        check_options(data, self.epochs, self.rate, self.max_drop, self.control)
        for name, found in options_of(TrainOptions).items():
            # Epochs are those of "qat" too.
            if name != "epochs" and getattr(self, name) is not None and not prunes:
                raise WrongUse(
                    "says how to prune, but nothing is pruned",
                    where=found.flag,
                    hint="add --prune, for example --prune magnitude:0.75",
                )
