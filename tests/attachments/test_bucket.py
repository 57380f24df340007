"""Files in an S3 bucket: a real local server that speaks S3, and everything that files go through."""

from __future__ import annotations

import hashlib
import logging
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from PIL import Image

from chatsite.files import storage_of
from conversations.actions import attachments, backup
from conversations.management import diagnosis
from conversations.models import Conversation, StoredFile
from tests.running_site import ROOT, clean_environment
from tests.world import Person, World

from .given import content, encoded, picture, png, post, upload
from .test_pictures import same
from .test_sending import asked, decoded, speak

KEYS = {"AWS_ACCESS_KEY_ID": "bucket-key", "AWS_SECRET_ACCESS_KEY": "bucket-secret"}
NOBODY = "s3://files/site?endpoint=http://127.0.0.1:9&region=us-east-1"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """The address of an S3 server of our own."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


class Bucket:
    """An empty bucket, and what is in it, as another client sees it."""

    def __init__(self, endpoint: str) -> None:
        import boto3

        self.url = f"s3://files/site?endpoint={endpoint}&region=us-east-1"
        self._client = boto3.client(
            "s3", endpoint_url=endpoint, region_name="us-east-1",
            aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"], aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        )  # fmt: skip
        self._client.create_bucket(Bucket="files")
        self.clear()

    def objects(self) -> dict[str, bytes]:
        listed = self._client.list_objects_v2(Bucket="files").get("Contents", [])
        return {
            one["Key"]: self._client.get_object(Bucket="files", Key=one["Key"])["Body"].read()
            for one in listed
        }

    def clear(self) -> None:
        for name in self.objects():
            self._client.delete_object(Bucket="files", Key=name)


@pytest.fixture
def bucket(endpoint: str, settings: Any) -> Bucket:
    found = Bucket(endpoint)
    for name, value in KEYS.items():
        setattr(settings, name, value)
    keep_in(settings, found.url)
    return found


def keep_in(settings: Any, url: str) -> None:
    settings.FILES_URL = url
    settings.STORAGES = {**settings.STORAGES, "default": storage_of(url)}


def test_a_picture_is_kept_once_and_reaches_the_provider_as_it_is(world: World, bucket: Bucket) -> None:
    speak(world, "anthropic")
    files = [upload(world.alice, png()) for _ in range(2)]
    kept = bucket.objects()
    assert len(kept) == StoredFile.objects.count() == 2, "the picture and its thumbnail"
    assert {hashlib.sha256(data).hexdigest() for data in kept.values()} == {
        name.removeprefix("site/attachments/")[3:67] for name in kept
    }
    blocks = asked(world, files)
    assert all(same(decoded(block), picture()) for block in blocks[:2])


def test_a_picture_is_made_larger_from_the_bucket(world: World, bucket: Bucket) -> None:
    speak(world, "anthropic", "claude-opus-4-7")
    flat = Image.new("RGB", (2000, 1000), "teal")
    blocks = asked(world, [upload(world.alice, encoded(flat))])
    assert same(decoded(blocks[0]), flat)


def test_ranges_are_answered_from_the_bucket(alice: Person, bucket: Bucket) -> None:
    url = upload(alice, b"0123456789", "a.txt")["url"]
    assert content(alice.get(url)) == b"0123456789"
    part = alice.get(url, HTTP_RANGE="bytes=4-6")
    assert (part.status_code, content(part), part.headers["Content-Range"]) == (206, b"456", "bytes 4-6/10")
    beyond = alice.get(url, HTTP_RANGE="bytes=10-")
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, "bytes */10")
    bucket.clear()
    assert alice.get(url).status_code == 404


def test_what_nobody_needs_leaves_the_bucket(alice: Person, bucket: Bucket) -> None:
    sent = alice.start("Look", attachments=[upload(alice)["id"]])
    assert len(bucket.objects()) == 2
    Conversation.objects.get(pk=sent["conversation"]).delete()
    attachments.sweep(timezone.now() + timedelta(hours=2))
    assert bucket.objects() == {}


@pytest.mark.django_db(transaction=True)
def test_a_backup_reads_the_bucket_and_a_restore_fills_it(
    alice: Person, bucket: Bucket, tmp_path: Path
) -> None:
    upload(alice)
    kept = bucket.objects()
    assert backup.write(tmp_path / "backup.tar", with_secrets=False).lost == []
    with tarfile.open(tmp_path / "backup.tar") as archive:
        assert {f"files/{name.removeprefix('site/')}" for name in kept} <= set(archive.getnames())
    bucket.clear()
    environment = clean_environment(
        CHATSITE_DATA_DIR=str(tmp_path / "data"), CHATSITE_FILES_URL=bucket.url, **KEYS
    )
    done = subprocess.run(
        [sys.executable, "manage.py", "restore", str(tmp_path / "backup.tar")],
        cwd=ROOT, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert bucket.objects() == kept
    assert not (tmp_path / "data/uploads/attachments").exists()


def test_the_doctor_writes_into_the_bucket_and_takes_it_away(bucket: Bucket, settings: Any) -> None:
    (good,) = diagnosis.files()
    assert (good.sentence, good.fix) == ("are kept in s3://files/site.", "")
    assert bucket.objects() == {}
    keep_in(settings, NOBODY)
    (bad,) = diagnosis.files()
    assert (
        "cannot be kept in s3://files/site" in bad.sentence and bad.grave and "CHATSITE_FILES_URL" in bad.fix
    )


def test_a_bucket_that_does_not_answer_refuses_with_a_reason(alice: Person, settings: Any) -> None:
    keep_in(settings, NOBODY)
    response = post(alice, png())
    assert response.status_code == 503
    assert "could not be stored" in response.json()["error"]["message"]


@pytest.mark.parametrize(
    "url",
    ["files", "https://files.example", "s3://", "s3://user:key@files", "s3://files:1", "s3://files?region",
     "s3://files?key=x", "s3://files?endpoint=minio:9000"],
)  # fmt: skip
def test_another_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError):
        storage_of(url)


def test_missing_packages_are_named_at_the_start(tmp_path: Path) -> None:
    program = "import sys; sys.modules['storages'] = None; import chatsite.settings"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True,
        env=clean_environment(CHATSITE_DATA_DIR=str(tmp_path), CHATSITE_FILES_URL="s3://files"),
    )  # fmt: skip
    assert done.returncode == 1
    assert "pip install --require-hashes -r requirements-scaled.txt" in done.stderr
    assert (ROOT / "requirements-scaled.txt").exists()
