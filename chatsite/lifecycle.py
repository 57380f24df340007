"""Whether this process is about to stop. Set by `server`, read by /readyz."""

from __future__ import annotations

import threading

stopping = threading.Event()
