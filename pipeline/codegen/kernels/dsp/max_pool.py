"""MAX_POOL_2D for cores with DSP instructions (firmware/runtime/dsp/max_pool.c)."""

from pipeline.codegen.kernels.dsp.pool import Pool

KERNEL = Pool("max_pool")
