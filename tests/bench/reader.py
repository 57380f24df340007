"""The yardstick: reads the same upstream with httpx alone and prints what `figures` makes of it.

Run as `python -m tests.bench.reader URL CHATS DELTAS MILLISECONDS`, a process of its own like the server.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time

import httpx

from .figures import Arrival, figures

_PREFIX = "data: "


async def read(client: httpx.AsyncClient, url: str, model: str) -> Arrival:
    """One answer, its text deltas with the time they came."""
    body = {
        "model": model,
        "max_tokens": 1024,
        "stream": True,
        "messages": [{"role": "user", "content": "Go."}],
    }
    arrival = Arrival(time.time())
    async with client.stream("POST", f"{url}/v1/messages", json=body) as response:
        async for line in response.aiter_lines():
            if line.startswith(_PREFIX):
                event = json.loads(line[len(_PREFIX) :])
                if event["type"] == "content_block_delta":
                    arrival.pieces.append((time.time(), event["delta"]["text"]))
    return arrival


async def main(url: str, chats: int, deltas: int, milliseconds: int) -> None:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(limits=limits, timeout=60, trust_env=False) as client:
        await read(client, url, "load-3-0")
        before = time.process_time()
        model = f"load-{deltas}-{milliseconds}"
        arrivals = await asyncio.gather(*(read(client, url, model) for _ in range(chats)))
        found = figures(arrivals, deltas, time.process_time() - before)
    found.peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(found.as_dict()))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], *(int(argument) for argument in sys.argv[2:5])))
