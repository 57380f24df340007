"""The load program: `python -m tests.bench` prints how Chatsite relays, beside a bare httpx reader of the same
upstream.
"""
