"""Device -> Measurement: the link, the monitor, latency, accuracy, memory."""
