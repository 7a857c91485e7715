"""Target: the processor core that code is generated for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """A processor core, as far as kernels differ by it.

    Attributes:
        core: "cortex-m4", "cortex-m0plus", "rv32imc", "avr", ...
        features: "dsp" (Armv7E-M or Armv8-M DSP instructions), "fpu", "mve" (Helium), ...
    """

    core: str = "generic"
    features: frozenset[str] = frozenset()

    @property
    def rom(self) -> str:
        """C's qualifiers of a constant that kernels read in flash (firmware/runtime/rom.h)."""
        return "const __flash" if self.core == "avr" else "const"

    def has(self, feature: str) -> bool:
        """True where the core has the feature."""
        return feature in self.features
