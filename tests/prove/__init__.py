"""Programs that prove the promises: `python -m tests.prove [name] [--runs N]`, and short versions in the suite."""
