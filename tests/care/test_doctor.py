"""The doctor finds what is wrong and says how to mend it; its call to the provider is real and booked."""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from conversations.management import diagnosis
from conversations.models import LanguageModel, Message, Provider, UsageRecord
from tests.fake_upstream import FakeUpstream
from tests.world import Person, answering


@pytest.fixture(autouse=True)
def _home(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    tmp_path.chmod(0o700)


def found(look: Any) -> list[diagnosis.Finding]:
    return list(look())


@pytest.mark.django_db(transaction=True)
def test_a_good_installation_is_good(upstream: FakeUpstream, capsys: pytest.CaptureFixture[str]) -> None:
    answering(upstream.url)
    call_command("doctor")
    text = capsys.readouterr().out
    assert "FAIL" not in text
    assert "ok    configuration: in order; people reach the site on this machine only." in text
    assert "provider “Fake”: claude-opus-4-5 answers" in text
    assert upstream.calls[-1].body["max_tokens"] == 1
    row = UsageRecord.objects.get(purpose="test")
    assert (row.input_tokens, row.cost_microdollars) == (25, 25 * 5 + 5 * 25)


@pytest.mark.django_db(transaction=True)
def test_a_provider_that_does_not_answer_is_named_with_a_fix(
    quick: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    answering("http://127.0.0.1:9")
    with pytest.raises(SystemExit):
        call_command("doctor")
    text = capsys.readouterr().out
    assert "FAIL  provider “Fake”: does not answer.\n      → The model service cannot be reached." in text
    assert "No connection to the provider: check its base URL" in text
    assert "sk-canary" not in text
    assert UsageRecord.objects.get().status == "failed"


def test_offline_asks_nobody(alice: Person, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("doctor", "--offline")
    assert "provider" not in capsys.readouterr().out


def test_a_lost_key_is_named_with_a_fix(alice: Person) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE conversations_provider SET api_key = 'gAAAAABnonsense'")
    (finding,) = found(diagnosis.providers)
    assert "decrypt" in finding.fix


def test_no_model_at_all_is_a_finding(db: None) -> None:
    Provider.objects.all().delete()
    (finding,) = found(diagnosis.providers)
    assert "ANTHROPIC_API_KEY" in finding.fix


def test_a_model_past_its_date_is_not_asked(alice: Person) -> None:
    LanguageModel.objects.update(retired_at=timezone.now())
    (finding,) = found(diagnosis.providers)
    assert finding.sentence == "no model is set up."
    assert not UsageRecord.objects.exists()


def test_https_without_a_trusted_proxy_is_grave(settings: Any) -> None:
    settings.HTTPS, settings.PUBLIC_URL, settings.TRUSTED_PROXIES = True, "https://chat.example.com", []
    (finding,) = found(diagnosis.proxy)
    assert "CHATSITE_TRUSTED_PROXIES" in finding.fix
    settings.TRUSTED_PROXIES = [ipaddress.ip_network("10.0.0.0/8")]
    assert [finding.fix for finding in found(diagnosis.proxy)] == [""]


def test_an_open_data_folder_is_a_warning(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (finding,) = found(diagnosis.folder)
    assert finding.fix == f"chmod 700 {tmp_path}"
    assert not finding.grave


def test_a_clock_that_went_back_is_a_finding(alice: Person) -> None:
    alice.start()
    assert found(diagnosis.clock)[0].fix == ""
    Message.objects.update(created_at=timezone.now() + timedelta(hours=1))
    assert "clock" in found(diagnosis.clock)[0].fix


def test_a_full_disk_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "FREE_BYTES", 10**18)
    (finding,) = found(diagnosis.disk)
    assert finding.fix
    assert finding.grave


@pytest.mark.parametrize("url", ["redis://127.0.0.1:9/0", "redis://127.0.0.1:9/0?socket_timeout=soon"])
def test_redis_that_does_not_answer_is_a_finding(url: str, settings: Any) -> None:
    settings.REDIS_URL = url
    (finding,) = found(diagnosis.layer)
    assert "REDIS_URL" in finding.fix
