"""Django's settings. Everything that varies comes through `env`; limits come from `limits`."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from . import address, email, files, secret_file
from .env import env
from .limits import *  # noqa: F403
from .limits import (
    LOGIN_FAILURE_SECONDS,
    LOGIN_FAILURES_PER_ACCOUNT,
    LOGIN_FAILURES_PER_ACCOUNT_AND_HOUR,
    LOGIN_FAILURES_PER_ADDRESS,
    UPLOAD_REQUEST_MAX_BYTES,
)

BASE_DIR = Path(__file__).resolve().parent.parent
DEBUG = False

# Where things are.
DATA_DIR = (BASE_DIR / env.text("CHATSITE_DATA_DIR", "data")).resolve()
MEDIA_ROOT = DATA_DIR / "uploads"
PUBLIC_URL = env.origin("CHATSITE_PUBLIC_URL")
REDIS_URL = env.secret_url("REDIS_URL", ("redis", "rediss", "unix"))
TRUSTED_PROXIES = env.networks("CHATSITE_TRUSTED_PROXIES")
ALLOWED_HOSTS = address.allowed_hosts(PUBLIC_URL, "127.0.0.1")
WEBSOCKET_ORIGINS = address.origins(PUBLIC_URL, "127.0.0.1", 8000)
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if PUBLIC_URL else []

# The provider "Environment" (conversations.actions.providers).
ANTHROPIC_API_KEY = env.secret("ANTHROPIC_API_KEY")
ANTHROPIC_BASE_URL = env.url("ANTHROPIC_BASE_URL", ("http", "https"))
ANTHROPIC_MODEL = env.text("ANTHROPIC_MODEL")
UPSTREAM_DIALECT = env.choice("CHATSITE_UPSTREAM_DIALECT", ("anthropic", "rockapi", "aimlapi", "openai_chat"))

# The first administrator (`start`).
DJANGO_SUPERUSER_USERNAME = env.text("DJANGO_SUPERUSER_USERNAME")
DJANGO_SUPERUSER_EMAIL = env.text("DJANGO_SUPERUSER_EMAIL")
DJANGO_SUPERUSER_PASSWORD = env.password("DJANGO_SUPERUSER_PASSWORD")

# The organisation's own way of signing in (`single_sign_on`).
OIDC_ISSUER = env.url("OIDC_ISSUER", ("http", "https"))
OIDC_CLIENT_ID = env.text("OIDC_CLIENT_ID")
OIDC_CLIENT_SECRET = env.secret("OIDC_CLIENT_SECRET")
OIDC_NAME = env.text("OIDC_NAME", "single sign-on")
if OIDC_ISSUER and not OIDC_CLIENT_ID:
    env.problems.append("OIDC_ISSUER needs OIDC_CLIENT_ID as well.")
if OIDC_ISSUER.startswith("http://") and not address.is_loopback(OIDC_ISSUER):
    env.problems.append("OIDC_ISSUER must be an https:// address.")

# Secrets.
SECRET_KEY = env.secret("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.secret("CHATSITE_SECRET_KEY_FALLBACKS").replace(",", " ").split()

INSTALLED_APPS = [
    "conversations",
    "chatsite.apps.AuditedAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.usersessions",
    "channels",
    "lucide",
]
# All synchronous: `handler` runs the whole chain in one thread. Signing in comes before CSRF, so that a
# program without a session is told to sign in.
MIDDLEWARE = [
    "chatsite.middleware.security_headers",
    "chatsite.middleware.probes",
    "chatsite.middleware.public_host",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "chatsite.middleware.CompressPages",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "chatsite.middleware.SignInRequired",
    "django.middleware.csrf.CsrfViewMiddleware",
    "chatsite.middleware.audit_address",
    "chatsite.middleware.time_zone",
    "chatsite.middleware.KnownNumbers",
    "conversations.views.refusals.Refusals",
    "conversations.views.json_forms.JsonForms",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
ROOT_URLCONF = "chatsite.urls"
ASGI_APPLICATION = "chatsite.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "chatsite.context.workspace",
            ],
        },
    }
]

# Requests are answered by this many threads, each with a lasting database connection.
REQUEST_THREADS = env.integer("CHATSITE_REQUEST_THREADS", 4, least=1, most=1000)

# The database.
DATABASE_URL = env.secret("DATABASE_URL")
DATABASE_ENGINES = ("django.db.backends.sqlite3", "django.db.backends.postgresql")


def _database() -> dict[str, Any]:
    if not DATABASE_URL:
        name: str = str(DATA_DIR / "db.sqlite3")
        found: dict[str, Any] = {"ENGINE": "django.db.backends.sqlite3", "NAME": name}
    else:
        try:
            found = dict(dj_database_url.parse(DATABASE_URL))
            # In memory, each thread would have a database of its own.
            named = found["NAME"] not in ("", ":memory:") or "service" in found.get("OPTIONS", {})
            if found["ENGINE"] not in DATABASE_ENGINES or not named:
                raise ValueError
        except ValueError:
            env.problems.append(
                "DATABASE_URL must be the address of a PostgreSQL (or SQLite) database and name it, for example "
                "postgres://user:password@host/name."
            )
            return {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
    if found["ENGINE"].endswith("sqlite3"):
        found["CONN_MAX_AGE"] = None
        found["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 10,
            # FULL: an answer of 201 means that the message is on disk (DESIGN section 3).
            "init_command": (
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA journal_size_limit=67108864;"
            ),
        }
    elif found["ENGINE"].endswith("postgresql"):
        found["OPTIONS"] = {
            **found.get("OPTIONS", {}),
            # One for each of these threads; the others are for uploads, sockets, the journal and the engine.
            "pool": {"min_size": 1, "max_size": REQUEST_THREADS + 12, "timeout": 10},
        }
        found["CONN_MAX_AGE"] = 0
    found["CONN_HEALTH_CHECKS"] = True
    return found


DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CHANNEL_LAYERS: dict[str, dict[str, Any]]
CACHES: dict[str, dict[str, Any]]
if REDIS_URL:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [REDIS_URL]},
        }
    }
    CACHES = {"default": {"BACKEND": "chatsite.redis_cache.SharedCache", "LOCATION": REDIS_URL}}
else:
    CHANNEL_LAYERS = {
        "default": {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": {"capacity": 20_000}}
    }
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "OPTIONS": {"MAX_ENTRIES": 10_000},
        }
    }

# People and signing in.
AUTH_USER_MODEL = "conversations.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = [
    "chatsite.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "account_login"
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_SAVE_EVERY_REQUEST = False
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", "password1*", "password2*"]
ACCOUNT_ADAPTER = "chatsite.accounts.AccountAdapter"
ACCOUNT_EMAIL_VERIFICATION = "optional"
ACCOUNT_EMAIL_CONFIRMATION_AUTHENTICATED_REDIRECT_URL = "/accounts/email/"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_FORMS = {
    "change_password": "conversations.forms.password.ChangePassword",
    "set_password": "conversations.forms.password.SetPassword",
    "reset_password": "conversations.forms.password.ForgottenPassword",
    "reset_password_from_key": "conversations.forms.password.NewPassword",
    "reauthenticate": "conversations.forms.password.ConfirmPassword",
    "add_email": "conversations.forms.password.AddAddress",
}
MFA_ADAPTER = "chatsite.mfa.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
# The code before still counts, for it may change between the eye and the key (RFC 6238, 5.2).
MFA_TOTP_TOLERANCE = 1
MFA_FORMS = {
    "add_webauthn": "conversations.forms.passkey.AddPasskeyForm",
    "edit_webauthn": "conversations.forms.passkey.RenamePasskeyForm",
    "authenticate_webauthn": "conversations.forms.passkey.SecondStepPasskeyForm",
    "reauthenticate_webauthn": "conversations.forms.passkey.ConfirmPasskeyForm",
    "login_webauthn": "conversations.forms.passkey.SignInPasskeyForm",
}
# The form counts failures; this would count successes as well.
MFA_RATE_LIMITS = {"webauthn_login": None}
# Accounts come from an administrator or a link: an address that nobody has confirmed blocks nothing.
MFA_ALLOW_UNVERIFIED_EMAIL = True
SOCIALACCOUNT_ADAPTER = "chatsite.single_sign_on.SocialAccountAdapter"
SOCIALACCOUNT_STORE_TOKENS = False
# The devices of a person are noted when they sign in; a write at every request would cost more than it tells.
USERSESSIONS_TRACK_ACTIVITY = False
USERSESSIONS_ADAPTER = "chatsite.accounts.SessionsAdapter"
ACCOUNT_SESSION_REMEMBER = True
# Only failures count by address: a whole office may sign in from one.
ACCOUNT_RATE_LIMITS = {
    "login": None,
    "login_failed": (
        f"{LOGIN_FAILURES_PER_ADDRESS}/{LOGIN_FAILURE_SECONDS}s/ip,"
        f"{LOGIN_FAILURES_PER_ACCOUNT}/{LOGIN_FAILURE_SECONDS}s/key,"
        f"{LOGIN_FAILURES_PER_ACCOUNT_AND_HOUR}/h/key"
    ),
}

# Mail. Without it, links are shown to the administrator to copy.
EMAIL_URL = env.secret("EMAIL_URL")
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.text("DEFAULT_FROM_EMAIL", "chatsite@localhost")
if not email.is_sender(DEFAULT_FROM_EMAIL):
    env.problems.append("DEFAULT_FROM_EMAIL must be one address, for example Chat <chat@example.com>.")
try:
    _mail = email.settings_of(EMAIL_URL)
except ValueError:
    env.problems.append(
        "EMAIL_URL must be smtp://, smtps:// or smtp+tls:// with user:password@host:port and nothing after it; user "
        "and password in ASCII, other signs than letters and digits as %XX."
    )
    _mail = email.settings_of("")
globals().update(_mail)
MAIL_WORKS = bool(EMAIL_URL)

# Headers of every answer; https turns on what needs it.
HTTPS = PUBLIC_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz)$"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "chatsite.errors.csrf_failure"
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
        "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    # Static files say otherwise themselves.
    "Cache-Control": "private, no-store",
}
# XFrameOptionsMiddleware (W002) and a CSP middleware are replaced by SECURITY_HEADERS. HSTS for subdomains (W005) and
# preloading (W021) are not ours to promise: browsers would no longer reach neighbours that speak plain http.
SILENCED_SYSTEM_CHECKS = ["security.W002", "security.W005", "security.W021"]
if not HTTPS:
    # Without https in CHATSITE_PUBLIC_URL: HSTS, redirect and secure cookies are off on purpose.
    SILENCED_SYSTEM_CHECKS += ["security.W004", "security.W008", "security.W012", "security.W016"]

# Uploaded files: in the data folder or in a bucket, for which django-storages reads the keys by these names.
FILES_URL = env.text("CHATSITE_FILES_URL")
AWS_ACCESS_KEY_ID = env.text("AWS_ACCESS_KEY_ID")
AWS_SECRET_ACCESS_KEY = env.secret("AWS_SECRET_ACCESS_KEY")


def _files() -> dict[str, Any]:
    try:
        return files.storage_of(FILES_URL)
    except ValueError:
        env.problems.append(f"CHATSITE_FILES_URL must be {files.ADDRESS}.")
    except files.Missing:
        env.problems.append(f"CHATSITE_FILES_URL needs more packages. Install them once: {files.INSTALL}")
    return files.storage_of("")


# Language, time, static files.
LANGUAGE_CODE = "en"
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {"default": _files(), "staticfiles": {"BACKEND": "chatsite.storage.StaticStorage"}}
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
WHITENOISE_MAX_AGE = 300
WHITENOISE_ALLOW_ALL_ORIGINS = False
FILE_UPLOAD_PERMISSIONS = 0o600
# Files on their way in: what a crash leaves here is swept.
FILE_UPLOAD_TEMP_DIR = MEDIA_ROOT / "work"
FILE_UPLOAD_MAX_MEMORY_SIZE = min(1024 * 1024, UPLOAD_REQUEST_MAX_BYTES)

# "all" lets the system spread the threads of a single process, which is slower (chatsite/one_core.py).
CORES = env.choice("CHATSITE_CORES", ("one", "all")) or "one"

# Figures for Prometheus at /metrics; without a token nothing is there.
METRICS_TOKEN = env.secret("CHATSITE_METRICS_TOKEN")

LOG_FORMAT = env.choice("CHATSITE_LOG_FORMAT", ("plain", "json")) or "plain"
LOG_LEVEL = env.choice("CHATSITE_LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR")) or "WARNING"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {
            "()": "chatsite.logging.PlainFormatter",
            "format": "{asctime} {levelname} {name}: {message}",
            "style": "{",
        },
        "json": {"()": "chatsite.logging.JsonFormatter"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        # Not found, forbidden, a foreign Host, too many fields: anybody on the network can cause these lines.
        "django.request": {"level": "ERROR"},
        "django.security": {"level": "CRITICAL"},
        # But this one says when the public address is not the one that people use.
        "django.security.csrf": {"level": LOG_LEVEL},
        # Its DEBUG lines hold the words of the conversations.
        "django.db.backends": {"level": "WARNING"},
        # A traceback for every second that Redis is away, which the doorbell says in a sentence.
        "channels_redis": {"level": "CRITICAL"},
        "httpx": {"level": "WARNING"},
        "httpcore": {"level": "WARNING"},
        "django": {"handlers": [], "level": LOG_LEVEL, "propagate": True},
        "django.server": {"handlers": [], "propagate": True},
    },
}

# Secrets are made last, so that a wrong environment leaves nothing behind.
env.check()
if not SECRET_KEY:
    SECRET_KEY = secret_file.load_or_create(DATA_DIR / "secret_key")
# WhiteNoise and Django warn about missing folders, and before the first `start` they are missing.
with contextlib.suppress(OSError):
    # One by one: a folder that is made only on the way to another one is open to everybody.
    for folder in (DATA_DIR, STATIC_ROOT, MEDIA_ROOT, FILE_UPLOAD_TEMP_DIR):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
if len(SECRET_KEY) < 32:
    raise ImproperlyConfigured("SECRET_KEY needs at least 32 characters.")
FIELD_ENCRYPTION_KEYS = [secret_file.encryption_key(key) for key in (SECRET_KEY, *SECRET_KEY_FALLBACKS)]
