"""A real local server that speaks the upstream wire, with every fault on demand: the one fake of the test suite."""

from tests.fake_upstream.server import Call, FakeUpstream

__all__ = ["Call", "FakeUpstream"]
