"""Which data, and what its numbers mean."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import WrongUse
from pipeline.options.option import Group, option

if TYPE_CHECKING:
    from pipeline.load import Dataset, Signature, Split


def _share(value: float) -> None:
    if not 0.0 < value < 1.0:
        raise WrongUse(f"{value} is not between 0 and 1", where="--test-fraction", hint="0.2")


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class DataGroup(Group):
    """Data."""

    data: str | Path | None = option(
        None,
        "--data",
        "-d",
        help="Data set: an .npz with x and y, 'digits', or 'random' (generated inputs).",
        more="A Keras model needs one, and so does measuring.",
    )
    samples: int | None = option(
        None, "--samples", "-n", help="Send only the first N samples.", least=1
    )
    x_scale: float | None = option(
        None,
        "--x-scale",
        help="Real value of one step of x: real = (x - zero point) * scale.",
        more="For integer data of a float network.",
    )
    x_zero_point: float | None = option(
        None, "--x-zero-point", help="The x that stands for a real 0."
    )
    test_fraction: float = option(
        0.2,
        "--test-fraction",
        help="Share of the samples to judge by: the last ones.",
        more="A file's own split is kept.",
        check=_share,
    )
    shuffle: bool = option(False, "--shuffle", help="Mix the samples before the split.")
    seed: int = option(0, "--seed", help="Seed of all that is random.")


@dataclass(frozen=True, kw_only=True)
class DataOptions(DataGroup):
    """A data set, ready to be read. See `pipeline.load.load_data`."""

    def required(self) -> str | Path:
        """The data set's name.

        Raises:
            WrongUse: none was given.
        """
        if self.data is None:
            raise WrongUse(
                "this step needs data",
                where="--data",
                hint="an .npz with x and y, 'digits', or 'random' (which gives no accuracy)",
            )
        return self.data

    def key(self) -> list[object]:
        """What decides which samples come out, `samples` apart."""
        from pipeline.run import sha256_file

        path = Path(self.data) if self.data is not None else None
        content = sha256_file(path) if path and path.is_file() else str(self.data)
        how = [self.x_scale, self.x_zero_point, self.seed, self.test_fraction, self.shuffle]
        return [content, *how]

    def split(self, signature: Signature, *, samples: int | None = None) -> Split:
        """Samples to train with and others to judge by: all of those, or the first `samples`."""
        from pipeline.load import load_split

        return load_split(
            self.required(),
            signature,
            samples=samples,
            x_scale=self.x_scale,
            x_zero_point=self.x_zero_point or 0.0,
            test_fraction=self.test_fraction,
            shuffle=self.shuffle,
            seed=self.seed,
        )

    def all(self, signature: Signature) -> Dataset:
        """Samples for a finished model."""
        from pipeline.load import load_data

        return load_data(
            self.required(),
            signature,
            samples=self.samples,
            x_scale=self.x_scale,
            x_zero_point=self.x_zero_point or 0.0,
            seed=self.seed,
        )
