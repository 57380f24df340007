"""The websocket: thin, it delivers. Writes come over HTTP, but for `stop`."""
