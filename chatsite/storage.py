"""Static files with hashed names, compressed beforehand. Filled by `start`, read by `{% static %}`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from whitenoise.storage import CompressedManifestStaticFilesStorage

# The admin's and other packages' files are many and rarely asked for: compressing them costs seconds at
# every start.
_UNCOMPRESSED = ("admin/",)


class StaticStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Rewrites module imports to hashed names as well, so that every file may be cached for ever."""

    support_js_module_import_aggregation = True

    def compress_files(self, paths: Iterable[str]) -> Iterator[tuple[str, str]]:
        yield from super().compress_files([path for path in paths if not path.startswith(_UNCOMPRESSED)])

    def stored_name(self, name: str) -> str:
        """The hashed name; before files were collected for the first time, the plain one."""
        return str(super().stored_name(name)) if self.hashed_files else name
