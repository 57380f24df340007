"""A mail server on a port of its own that takes every message."""

from __future__ import annotations

import socketserver
import threading


class MailServer:
    """A context manager; `url` is for EMAIL_URL, `messages` are (recipient, text)."""

    def __enter__(self) -> MailServer:
        self.messages: list[tuple[str, str]] = []
        messages = self.messages

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                recipient = ""
                self._say("220 ready")
                while line := self.rfile.readline().decode().strip():
                    command = line[:4].upper()
                    if command == "RCPT":
                        recipient = line.partition("<")[2].partition(">")[0]
                    if command == "DATA":
                        self._say("354 go on")
                        text = "".join(iter(lambda: self.rfile.readline().decode(), ".\r\n"))
                        messages.append((recipient, text))
                    self._say("221 bye" if command == "QUIT" else "250 fine")

            def _say(self, line: str) -> None:
                self.wfile.write(f"{line}\r\n".encode())

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.url = f"smtp://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
