"""Single commands with the real engine, three processes a run; tests/cli has the same with an engine of its own."""
