from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from chatsite.secret_file import encryption_key, load_or_create


def test_the_first_caller_makes_it_for_the_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "data" / "secret_key"
    secret = load_or_create(path)
    assert len(secret) >= 64
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_or_create(path) == secret


def test_callers_at_the_same_time_get_the_same_secret_and_leave_one_file(tmp_path: Path) -> None:
    path = tmp_path / "secret_key"
    with ThreadPoolExecutor(8) as pool:
        secrets = set(pool.map(lambda _: load_or_create(path), range(32)))
    assert len(secrets) == 1
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("content", ["", "short", "ü" * 50])
def test_a_damaged_secret_is_refused_and_not_replaced(tmp_path: Path, content: str) -> None:
    path = tmp_path / "secret_key"
    path.write_text(content)
    with pytest.raises(ImproperlyConfigured):
        load_or_create(path)
    assert path.read_text() == content


def test_a_secret_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match="cannot be read"):
        load_or_create(tmp_path)


def test_column_keys_differ_from_the_secret_and_from_each_other() -> None:
    one, other = encryption_key("a" * 40), encryption_key("b" * 40)
    assert one != other
    assert Fernet(one).decrypt(Fernet(encryption_key("a" * 40)).encrypt(b"x")) == b"x"
