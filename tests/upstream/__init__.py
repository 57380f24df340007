"""Tests of the upstream client; the network's other end is tests.fake_upstream."""
