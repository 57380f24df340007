"""The tests mirror the code; `fake_upstream` speaks the wire."""
