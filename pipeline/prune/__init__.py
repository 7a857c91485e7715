"""Network -> Network, smaller: magnitude, neurons, schedules, fine-tuning."""
