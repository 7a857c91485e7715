"""Each step of the chain on a run folder: what it reads, what it leaves, when it is reused."""
