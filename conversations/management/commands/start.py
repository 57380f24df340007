"""`manage.py start`: from an empty folder to a page that answers, in one command and one process."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connections

from chatsite import address, data_folder, database_connections, sqlite_file
from chatsite.memory import share_one_heap
from chatsite.workers import Workers, share_figures
from conversations import checks
from conversations.actions import people, providers
from conversations.actions.errors import Refused
from conversations.models import User


class Command(BaseCommand):
    help = "Prepares the data folder, migrates, collects static files and serves."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="Address to listen on (127.0.0.1).")
        parser.add_argument("--port", type=int, default=8000, help="Port to listen on (8000).")
        parser.add_argument(
            "--workers",
            type=int,
            default=1,
            help="Processes on this port (1); more need PostgreSQL and Redis.",
        )

    def handle(self, *args: Any, host: str, port: int, workers: int = 1, **options: Any) -> None:
        share_one_heap()
        host = host.strip("[]")
        if problems := checks.risky_mixes(workers):
            raise CommandError(" ".join(problems))
        try:
            data_folder.prepare()
            data_folder.keep_temporary_files()
            lock = self._lock()
        except OSError as error:
            raise _unusable_folder(error) from None
        listener = self._bind(host, port)
        port = listener.getsockname()[1]
        self._be_known_as(host, port)
        try:
            with data_folder.alone():
                self._prepare_database()
                answering = providers.sync_environment()
                link = self._first_administrator(host, port)
                if data_folder.collect_static():
                    self._say("Static files collected.")
        except DatabaseError as error:
            raise CommandError(f"The database cannot be used: {error}".strip()) from None
        except OSError as error:
            raise _unusable_folder(error) from None
        except Refused as error:
            raise CommandError(error.message) from None
        # The server's threads, and every worker, have connections of their own.
        database_connections.close()

        def announce() -> None:
            self._say(f"Chatsite is ready at {self._site(host, port)}/")
            if link:
                lasting = _lasting(settings.SETUP_LINK_SECONDS)
                self._say(f"Create the first administrator (works once, for {lasting}): {link}")
            self._say(answering.sentence)
            self._warn_about_proxy()

        with lock or open(os.devnull), listener:
            try:
                if workers > 1:
                    # A folder for each port: several starts may share one data folder.
                    share_figures(settings.DATA_DIR / "metrics" / str(port))
                    several = Workers(workers, lambda ready: self._serve(listener, ready, deaf_seconds=1))
                    if not several.run(announce):
                        raise CommandError("A worker did not end cleanly; its log lines say why.")
                else:
                    self._serve(listener, announce, one_core=settings.CORES == "one")
            except OSError as error:
                raise self._unusable(host, port, error) from None
            if connections["default"].vendor == "sqlite":
                sqlite_file.merge_log()
        self._say("Stopped.")

    def _serve(
        self,
        listener: socket.socket,
        on_listening: Callable[[], None],
        deaf_seconds: float = 0,
        one_core: bool = False,
    ) -> None:
        # Imported last: Daphne and the application are not needed to say that something is wrong, and every worker
        # has an event loop of its own.
        from chatsite.server import Server

        from chatsite.asgi import application  # isort: skip
        from conversations.generation import supervisor  # isort: skip

        Server(
            application,
            supervisor,
            listener,
            on_listening,
            deaf_seconds=deaf_seconds,
            one_core=one_core,
        ).run()

    def _say(self, sentence: str) -> None:
        try:
            self.stdout.write(sentence)
            self.stdout.flush()
        except OSError:
            # Whoever read it is gone, or the disk of its file is full: no reason not to serve, or to stop badly.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.stdout.fileno())

    def _lock(self) -> Any:
        if connections["default"].vendor != "sqlite":
            return None
        try:
            return data_folder.lock()
        except data_folder.Occupied as error:
            owner = f" (process {error})" if str(error) else ""
            raise CommandError(
                f"The data folder {settings.DATA_DIR} is in use by another server{owner}. "
                "Stop it first, or give this one its own folder with CHATSITE_DATA_DIR."
            ) from None

    def _bind(self, host: str, port: int) -> socket.socket:
        if not 0 <= port <= 65535:
            raise CommandError(f"There is no port {port}; choose one from 1 to 65535.")
        try:
            family, _, _, _, found = socket.getaddrinfo(
                host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            # What it leads to counts, not how it is written: “0” and “::0” are every address as well.
            if ipaddress.ip_address(found[0]).is_unspecified and not settings.PUBLIC_URL:
                raise CommandError(
                    f"--host {host} listens on every address, so the site must know its own name. "
                    "Set CHATSITE_PUBLIC_URL, for example to https://chat.example.com, and start again."
                )
            listener = socket.socket(family, socket.SOCK_STREAM)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
            # Claims the port; connections are taken only when everything is ready.
            return listener
        except socket.gaierror:
            raise CommandError(f"“{host}” is not an address of this machine.") from None
        except PermissionError:
            raise CommandError(f"Port {port} needs more privileges; choose one above 1023.") from None
        except OSError as error:
            raise self._unusable(host, port, error) from None

    def _unusable(self, host: str, port: int, error: OSError) -> CommandError:
        if error.errno != errno.EADDRINUSE:
            return CommandError(f"{address.bracketed(host)}:{port} cannot be used: {error.strerror}.")
        other = port + 1 if port < 65535 else 8000
        return CommandError(
            f"Port {port} is in use by another program. Stop it, or choose another port: "
            f"python3 manage.py start --port {other}"
        )

    def _be_known_as(self, host: str, port: int) -> None:
        """Hosts and origins follow --host and --port unless CHATSITE_PUBLIC_URL names them."""
        settings.ALLOWED_HOSTS = address.allowed_hosts(settings.PUBLIC_URL, host)
        settings.WEBSOCKET_ORIGINS = address.origins(settings.PUBLIC_URL, host, port)

    def _site(self, host: str, port: int) -> str:
        return settings.PUBLIC_URL or f"http://{address.bracketed(host)}:{port}"

    def _prepare_database(self) -> None:
        try:
            count, copy = data_folder.migrate()
        except RuntimeError as error:
            raise CommandError(str(error)) from None
        if copy:
            self._say(f"The database was copied to {copy} before it was changed.")
        if count:
            self._say("The database is up to date.")
        people.clear_expired_sessions()

    def _first_administrator(self, host: str, port: int) -> str:
        """Makes the environment's administrator, or returns the one-time link; empty when there is one."""
        if people.has_administrator():
            return ""
        name, password = settings.DJANGO_SUPERUSER_USERNAME, settings.DJANGO_SUPERUSER_PASSWORD
        if name and password:
            if User.alike(name):
                raise CommandError(
                    f"DJANGO_SUPERUSER_USERNAME: “{name}” exists already and is not an administrator. "
                    "Choose another name."
                )
            people.create_administrator(name, settings.DJANGO_SUPERUSER_EMAIL, password)
            self._say(f"The administrator “{name}” was created.")
            return ""
        if name or password:
            self._say(
                "DJANGO_SUPERUSER_USERNAME and DJANGO_SUPERUSER_PASSWORD work only together; one is missing."
            )
        return f"{self._site(host, port)}/setup/{people.new_setup_token()}/"

    def _warn_about_proxy(self) -> None:
        if settings.HTTPS and not settings.TRUSTED_PROXIES:
            self._say(
                "CHATSITE_PUBLIC_URL is https, but no proxy is trusted: set CHATSITE_TRUSTED_PROXIES to the "
                "address of the proxy that terminates TLS, or every page will redirect to itself."
            )


def _unusable_folder(error: OSError) -> CommandError:
    """It is read-only, say, or its disk is full."""
    return CommandError(f"The data folder {settings.DATA_DIR} cannot be used: {error.strerror or error}.")


def _lasting(seconds: float) -> str:
    return f"{seconds / 3600:g} hours" if seconds >= 7200 else f"{seconds / 60:g} minutes"
