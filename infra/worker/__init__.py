"""JetStream to function: pull, retry, dead letter, order, schedules."""
