"""From a scenario to samples: launches servers and the load generator, and keeps what they measured."""
