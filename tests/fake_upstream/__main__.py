"""Serves the fake upstream on a port of its own: `python -m tests.fake_upstream --port 9000`; its ledger is
at /ledger.
"""

from __future__ import annotations

import argparse
import contextlib
import time

from tests.fake_upstream import FakeUpstream

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--port", type=int, default=0)
with FakeUpstream(parser.parse_args().port) as upstream, contextlib.suppress(KeyboardInterrupt):
    print(upstream.url, flush=True)
    while True:
        time.sleep(3600)
