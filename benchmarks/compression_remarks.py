"""What the figures don't say by themselves; shown under a task's table."""

from __future__ import annotations

_CONSTANTS = """Bar 1 is out of reach by size. Each output channel has 12 bytes of constants
(bias, multiplier, shift), and depthwise kernels stay dense, 18 bytes a channel with their
constants; these two alone are more than a twelfth of float32. Fewer channels help with both, so
`neurons` gives the smaller model here."""

REMARKS: dict[str, str] = {
    "digits": """
One of the 359 test samples is 0.3 points.
""",
    "keywords": f"""
{_CONSTANTS}

For bar 3 most of the work is that of the neurons: what zeros leave of a network this small is
mostly constants, and half of the zeros make the sparse kernels' code larger than what they save,
so that all layers are stored dense. It takes 14 of 48 channels and 48 epochs a stage instead of 12.
""",
    "kws": f"""
{_CONSTANTS}

This network was trained with far more than 800 samples; with these, fine-tuning does not win back
all that pruning takes. Patience helps: four times the epochs bring the loss of `neurons:0.5` from
3.2 to 1.8 points. Tried on the first fold without gain: matching the unpruned network's
activations layer by layer, squared error on its logits, other learning rates, ranking by Taylor or
by activation, blending in time, shifting in time. Pruning the depthwise kernels too loses 12.5
points. One of a fold's 200 test samples is 0.5 points.
""",
}
