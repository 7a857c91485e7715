"""AVERAGE_POOL_2D for cores with DSP instructions (firmware/runtime/dsp/average_pool.c)."""

from pipeline.codegen.kernels.dsp.pool import Pool

KERNEL = Pool("average_pool")
