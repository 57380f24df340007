from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from chatsite.env import Environment
from tests.running_site import ROOT, clean_environment


def test_an_empty_variable_counts_as_unset() -> None:
    env = Environment({"A": "", "B": "  "})
    assert env.text("A", "default") == "default"
    assert env.secret("B", "default") == "default"
    assert env.number("A", 2.5) == 2.5


def test_bytes_that_are_no_utf8_are_a_problem() -> None:
    """They came as far as the sign-in page, which then was an error for everybody."""
    env = Environment({"NAME": os.fsdecode(b"caf\xe9"), "KEY": os.fsdecode(b"s3cret\xff")})
    assert env.text("NAME", "default") == "default"
    assert env.password("KEY") == env.secret("KEY") == ""
    assert {problem.split()[0] for problem in env.problems} == {"NAME", "KEY"}
    assert "s3cret" not in "".join(env.problems)


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("s3cret\n")
    assert Environment({"KEY_FILE": str(tmp_path / "key")}).secret("KEY") == "s3cret"


def test_a_secret_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    """Some editors write one: unseen, it would be part of a password that nobody can type."""
    (tmp_path / "word").write_bytes(b"\xef\xbb\xbfpass word\r\n")
    assert Environment({"A_FILE": str(tmp_path / "word")}).password("A") == "pass word"


def test_a_password_keeps_its_spaces_and_loses_the_end_of_its_line(tmp_path: Path) -> None:
    """The form for signing in takes it as it is typed."""
    (tmp_path / "word").write_text(" my pass word \r\nnot this\n")
    env = Environment({"A": " my pass word ", "B": "pass word\n", "C_FILE": str(tmp_path / "word"), "D": " "})
    assert env.password("A") == env.password("C") == " my pass word "
    assert env.password("B") == "pass word"
    assert env.password("D") == env.password("E") == ""
    assert not env.problems


def test_a_secret_file_that_cannot_be_read_is_a_problem_without_its_content(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"s3cret\xff")
    env = Environment({"A_FILE": str(tmp_path / "nothing"), "B_FILE": str(tmp_path / "binary")})
    assert env.secret("A") == env.secret("B") == ""
    assert len(env.problems) == 2
    assert "s3cret" not in "".join(env.problems)


@pytest.mark.parametrize("content", ["", "\n", " \r\n\t\n"])
def test_an_empty_secret_file_counts_as_unset(tmp_path: Path, content: str) -> None:
    (tmp_path / "empty").write_text(content)
    empty = str(tmp_path / "empty")
    env = Environment({"A_FILE": empty, "B": "from-variable", "B_FILE": empty})
    assert env.secret("A", "default") == "default"
    assert env.secret("B") == "from-variable"
    assert not env.problems


def test_a_secret_given_twice_is_a_problem_that_does_not_show_it(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from-file")
    env = Environment({"KEY": "from-variable", "KEY_FILE": str(tmp_path / "key")})
    env.secret("KEY")
    assert "from-" not in "".join(env.problems)
    assert env.problems


def test_all_problems_are_named_at_once() -> None:
    env = Environment({"N": "many", "I": "1.5", "C": "red", "U": "ftp://x", "P": "10.0.0.0/99,127.0.0.1"})
    assert env.number("N", 3) == 3
    assert env.integer("I", 4) == 4
    assert env.choice("C", ("blue", "green")) == ""
    assert env.url("U", ("http", "https")) == ""
    assert [str(network) for network in env.networks("P")] == ["127.0.0.1/32"]
    with pytest.raises(ImproperlyConfigured) as caught:
        env.check()
    assert all(f"{name} " in str(caught.value) for name in "NICUP")


@pytest.mark.parametrize("value", ["-1", "nan", "inf", "1e999", "0x10"])
def test_a_number_is_finite_and_not_negative(value: str) -> None:
    env = Environment({"N": value})
    assert env.number("N", 7) == 7
    assert env.problems


def test_a_number_stays_within_what_its_reader_can_use() -> None:
    """A lease of no length reaps its own answers; a clock cannot count to 1e300."""
    env = Environment({"S": "0", "L": "1e300"})
    assert env.number("S", 15, least=0.1) == 15
    assert env.number("L", 900, most=1e9) == 900
    assert env.integer("L", 4) == 4
    assert env.problems == [
        "S must be a number of 0.1 or more, not “0”.",
        "L must be 1,000,000,000 at most, not “1e300”.",
        "L must be 1,000,000,000,000,000 at most, not “1e300”.",
    ]


@pytest.mark.parametrize("value", ["https://", "http://host:99999", "chat.example.com", "http://[::1"])
def test_an_address_needs_scheme_host_and_a_real_port(value: str) -> None:
    env = Environment({"U": value})
    assert env.url("U", ("http", "https")) == ""
    assert env.problems


@pytest.mark.parametrize(
    "value", ["qq", "http://foo", "redis://", "redis://h:99999", "redis:6379", "redis://[::1"]
)
def test_a_secret_address_that_is_none_is_named_and_not_shown(value: str) -> None:
    env = Environment({"R": value})
    assert env.secret_url("R", ("redis", "unix")) == ""
    assert env.problems == ["R must be an address that begins with redis:// or unix://."]


@pytest.mark.parametrize("value", ["", "redis://h", "redis://:word@h:6379/0", "unix:///run/redis.sock?db=1"])
def test_a_secret_address_stays_as_it_is(value: str) -> None:
    env = Environment({"R": value})
    assert env.secret_url("R", ("redis", "unix")) == value
    assert not env.problems


def test_an_address_loses_its_last_slash() -> None:
    assert Environment({"U": "https://chat.example.com/"}).url("U", ("https",)) == "https://chat.example.com"


def test_the_scheme_of_an_address_is_read_whatever_its_case() -> None:
    assert (
        Environment({"U": "HTTPS://api.example.com/V1"}).url("U", ("https",)) == "https://api.example.com/V1"
    )


@pytest.mark.parametrize("value", ["https://chat.example.com/", "HTTPS://Chat.Example.com:443"])
def test_the_address_of_a_site_is_written_as_browsers_write_it(value: str) -> None:
    env = Environment({"U": value})
    assert (env.origin("U"), env.problems) == ("https://chat.example.com", [])


@pytest.mark.parametrize("more", ["/chat", "?a=b", "#a", "/chat/"])
@pytest.mark.parametrize("host", ["chat.example.com", "ann@chat.example.com"])
def test_a_site_is_not_a_part_of_another_one(host: str, more: str) -> None:
    """Its pages name each other from the root of the host."""
    env = Environment({"U": f"https://{host}{more}"})
    assert env.origin("U") == ""
    assert env.problems == ["U must be scheme and host alone, for example https://chat.example.com."]


def test_a_site_is_named_in_the_letters_that_browsers_send() -> None:
    """They say xn--bcher-kva.example: of a site that is known by other letters they would get nothing but refusals."""
    env = Environment({"U": "https://bücher.example", "V": "https://xn--bcher-kva.example"})
    assert env.origin("U") == ""
    assert env.problems == ["U must name the host as browsers send it, in ASCII (xn--…)."]
    assert env.origin("V") == "https://xn--bcher-kva.example"


@pytest.mark.parametrize("host", ["*", "*.example.com", "chat example.com", "chat_site.example.com"])
def test_a_site_has_one_name_that_requests_can_carry(host: str) -> None:
    """Django refuses every request to another one, whatever its Host header says."""
    env = Environment({"U": f"https://{host}:8443"})
    assert env.origin("U") == ""
    assert env.problems == ["U must name one host as browsers send it, for example https://chat.example.com."]


def test_the_environment_of_a_site_does_not_reach_the_tests() -> None:
    """Whoever runs them may have a site of their own."""
    code = "import chatsite.settings_for_tests as s; print(s.MAIL_WORKS, s.AWS_ACCESS_KEY_ID, s.DEFAULT_FROM_EMAIL)"
    own = {
        "EMAIL_URL": "smtp://mail.example.com",
        "SECRET_KEY_FILE": "/run/secrets/none",
        "AWS_ACCESS_KEY_ID": "key",
        "DEFAULT_FROM_EMAIL": "chat@example.com",
    }
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, env=clean_environment(**own)
    )
    assert said.stdout == "False  chatsite@localhost\n", said.stderr


@pytest.mark.parametrize(
    "address", ["postgres://me:pa55word@db", "sqlite://", "timescale://me:pa55word@db/chat"]
)
def test_a_database_that_cannot_be_used_is_a_problem(tmp_path: Path, address: str) -> None:
    """Without a name, in memory, or of a kind whose driver is not there: the start ended in a traceback."""
    variables = {"CHATSITE_DATA_DIR": str(tmp_path / "data"), "DATABASE_URL": address}
    done = subprocess.run(
        [sys.executable, "-c", "import chatsite.settings"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=clean_environment(**variables),
    )
    assert "- DATABASE_URL must be the address of a PostgreSQL (or SQLite) database" in done.stderr
    assert "pa55word" not in done.stderr


def test_a_good_environment_has_no_problem() -> None:
    Environment({"N": "0"}).check()
