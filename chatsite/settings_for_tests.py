"""Settings of the tests: a fresh data folder, nobody's environment, cheap passwords."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

_FOREIGN = (
    "ANTHROPIC_",
    "AWS_",
    "CHATSITE_",
    "DEFAULT_FROM_",
    "DJANGO_SUPERUSER_",
    "EMAIL_",
    "OIDC_",
    "SECRET_KEY",
)
for _name in list(os.environ):
    # DATABASE_URL and REDIS_URL stay: they choose what the tests run on.
    if _name.startswith(_FOREIGN) and _name != "CHATSITE_TEST_REQUIRE":
        del os.environ[_name]
_folder = tempfile.mkdtemp(prefix="chatsite-tests-")
atexit.register(shutil.rmtree, _folder, ignore_errors=True)
os.environ["CHATSITE_DATA_DIR"] = _folder
os.environ["SECRET_KEY"] = "tests-only-0123456789-0123456789-0123456789-0123456789"

from .settings import *  # noqa: E402, F403
from .settings import DATABASES  # noqa: E402

# A file: connections of several threads to one in-memory database lock each other out.
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["TEST"] = {"NAME": f"{_folder}/tests.sqlite3"}
else:
    # A hundred threads at once share the connections that a site has for its few.
    DATABASES["default"]["OPTIONS"]["pool"]["timeout"] = 60

ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
# Tests are refused more often than people; those of this limit set their own.
HANDSHAKES_PER_ADDRESS = 1000
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
