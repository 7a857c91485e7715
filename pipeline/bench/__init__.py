"""A matrix of deployments, several side by side, in worker processes."""
