"""CHATSITE_FILES_URL as Django's storage of uploaded files. Used by `settings`."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any
from urllib.parse import parse_qs, urlsplit

ADDRESS = "s3://bucket or s3://bucket/folder, where needed with ?endpoint=https://…&region=…"
INSTALL = ".venv/bin/python -m pip install --require-hashes -r requirements-scaled.txt"
_PACKAGES = ("storages", "boto3")
_OPTIONS = {"endpoint": "endpoint_url", "region": "region_name"}


class Missing(Exception):
    """The packages that a bucket needs are not installed."""


def storage_of(url: str) -> dict[str, Any]:
    """An entry of STORAGES: the data folder, or the bucket at this address.

    The keys are settings of their own; without them boto3 looks where it always does (a role of the machine, say).
    Raises ValueError for another address, Missing.
    """
    if not url:
        return {"BACKEND": "django.core.files.storage.FileSystemStorage"}
    parts = urlsplit(url)
    asked = dict(parse_qs(parts.query, strict_parsing=True)) if parts.query else {}
    endpoint = asked.get("endpoint", ["https://"])[-1]
    if parts.scheme != "s3" or not parts.netloc or parts.netloc != parts.hostname or asked.keys() - _OPTIONS:
        raise ValueError
    if not endpoint.startswith(("http://", "https://")):
        raise ValueError
    if not all(find_spec(name) for name in _PACKAGES):
        raise Missing
    options = {_OPTIONS[name]: values[-1] for name, values in asked.items()}
    return {
        "BACKEND": "chatsite.bucket.Bucket",
        "OPTIONS": {"bucket_name": parts.netloc, "location": parts.path.strip("/"), **options},
    }
