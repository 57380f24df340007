"""A provider's key is found nowhere but in its own encrypted column (promise P18): a whole site is searched for it."""

from __future__ import annotations

import sqlite3
import uuid
from contextlib import closing, suppress
from pathlib import Path

import httpx

from tests import patience, prepared
from tests.fake_upstream import FakeUpstream
from tests.running_site import RunningSite, manage

NAME, PASSWORD = "alice", "tulip-Harvest-77"
ADMINISTRATOR = {"DJANGO_SUPERUSER_USERNAME": NAME, "DJANGO_SUPERUSER_PASSWORD": PASSWORD}
KEY = "sk-ant-canary-7f3d9b1c5e8a2046"
# What the fake upstream echoes as errors do, in answers that fail.
QUESTIONS = ("Hello", "fault:5", "fault:6", "fault:12", "fault:14", "fault:21")
PAGES = (
    "/", "/usage/", "/usage/download/", "/budgets/", "/audit/", "/audit/download/", "/account/", "/admin/",
    "/nothing-here", "/admin/conversations/provider/", "/admin/conversations/provider/1/change/",
    "/admin/conversations/provider/1/history/", "/admin/conversations/languagemodel/1/change/",
    "/conversations/nonsense/", "/healthz", "/readyz", "/metrics",
)  # fmt: skip


def signed_in(site: RunningSite) -> httpx.Client:
    client = httpx.Client(base_url=site.url, timeout=patience.SECONDS, verify=False)
    client.get("/accounts/login/")
    token = client.cookies["csrftoken"]
    data = {"login": NAME, "password": PASSWORD, "csrfmiddlewaretoken": token}
    client.post("/accounts/login/", data=data)
    client.headers.update({"X-CSRFToken": client.cookies["csrftoken"], "Accept": "application/json"})
    return client


def test_a_key_is_nowhere(tmp_path: Path) -> None:
    key_file = tmp_path / "key"
    key_file.write_text(KEY)
    seen: dict[str, bytes] = {}
    with FakeUpstream() as upstream:
        variables = {
            **ADMINISTRATOR, "ANTHROPIC_API_KEY_FILE": str(key_file), "ANTHROPIC_BASE_URL": upstream.url,
            "ANTHROPIC_MODEL": "claude-opus-4-5", "CHATSITE_LOG_LEVEL": "DEBUG", "CHATSITE_UPSTREAM_BACKOFF": "0.01",
        }  # fmt: skip
        data = prepared.data_folder(tmp_path / "data")
        with RunningSite(data, **variables) as site, closing(signed_in(site)) as client:
            for text in QUESTIONS:
                _ask(client, text, seen)
            assert upstream.calls[0].headers["x-api-key"] == KEY, "the key was really used"
            for page in PAGES:
                for accept in ("text/html", "application/json"):
                    response = client.get(page, headers={"Accept": accept})
                    seen[f"{page} as {accept}"] = response.content + str(response.headers).encode()
            done = manage(site.data_dir, "doctor", "--offline", **variables)
            seen["doctor"] = (done.stdout + done.stderr).encode()
            seen["process list"] = _command_lines()
            assert str(site.port).encode() in seen["process list"]
            done = manage(site.data_dir, "backup", str(tmp_path / "b.tar"), "--with-secrets", **variables)
            assert done.returncode == 0, done.stderr
        seen["log"] = site.output.encode()
        assert len(seen["log"]) > 1000, "DEBUG says something"
    for path in [*site.data_dir.rglob("*"), tmp_path / "b.tar"]:
        if path.is_file():
            seen[path.name] = path.read_bytes()
    found = [name for name, content in seen.items() if KEY.encode() in content or KEY[7:].encode() in content]
    assert found == []
    with closing(sqlite3.connect(site.data_dir / "db.sqlite3")) as database:
        rows = database.execute("SELECT api_key FROM conversations_provider WHERE source = 'environment'")
        (column,) = rows.fetchone()
    assert column.startswith("gAAAA"), "encrypted"


def _command_lines() -> bytes:
    """Of all processes, as everybody on the machine can read them."""
    lines = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        # It may end meanwhile.
        with suppress(OSError):
            lines.append(file.read_bytes())
    return b"\n".join(lines)


def _ask(client: httpx.Client, text: str, seen: dict[str, bytes]) -> None:
    sent = client.post("/conversations/", data={"text": text, "client_id": str(uuid.uuid4())})
    assert sent.status_code == 201, sent.text
    body = sent.json()
    # The frames are those of the websocket; the stream ends with the answer.
    seen[f"frames of {text}"] = client.get(f"/generations/{body['generation']}/events/?after=0").content
    for name in ("messages/", "export/?as=json", "export/?as=markdown", ""):
        seen[f"{text} {name}"] = client.get(f"/conversations/{body['conversation']}/{name}").content
