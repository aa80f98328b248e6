"""What the worker runs: deliveries in, messages out, and the clocks."""
