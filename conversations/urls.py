"""Addresses of the chat application."""

from __future__ import annotations

from django.urls import URLPattern, path

from .views import (
    attachments,
    audit,
    export,
    fragments,
    generations,
    managing,
    messages,
    pages,
    sending,
    sharing,
    sidebar,
    snapshot,
    usage,
)
from .views.by_method import by_method

_CONVERSATION = "conversations/<uuid:id>/"
_MESSAGE = f"{_CONVERSATION}messages/<uuid:message>/"

urlpatterns: list[URLPattern] = [
    path("", pages.home, name="home"),
    path("conversations/", by_method(get=sidebar.sidebar_list, post=sending.start), name="conversations"),
    path(_CONVERSATION, pages.conversation, name="conversation"),
    path(
        f"{_CONVERSATION}messages/",
        by_method(get=messages.current_branch, post=sending.send),
        name="conversation-send",
    ),
    path(f"{_CONVERSATION}history/", fragments.history, name="conversation-history"),
    path(f"{_CONVERSATION}totals/", fragments.totals, name="conversation-totals"),
    path(f"{_CONVERSATION}export/", export.export, name="conversation-export"),
    path(f"{_CONVERSATION}rename/", managing.rename, name="conversation-rename"),
    path(f"{_CONVERSATION}archive/", managing.archive, name="conversation-archive"),
    path(f"{_CONVERSATION}delete/", managing.delete, name="conversation-delete"),
    path(f"{_CONVERSATION}restore/", managing.restore, name="conversation-restore"),
    path(f"{_CONVERSATION}settings/", managing.settings, name="conversation-settings"),
    path(f"{_CONVERSATION}people/", by_method(get=sharing.people, post=sharing.add), name="conversation-people"),
    path(f"{_CONVERSATION}people/<int:participant>/role/", sharing.role, name="participant-role"),
    path(f"{_CONVERSATION}people/<int:participant>/remove/", sharing.remove, name="participant-remove"),
    path(f"{_CONVERSATION}leave/", sharing.leave, name="conversation-leave"),
    path(f"{_CONVERSATION}visibility/", sharing.visibility, name="conversation-visibility"),
    path(f"{_CONVERSATION}read/", sharing.read, name="conversation-read"),
    path(f"{_CONVERSATION}links/", sharing.create_link, name="conversation-links"),
    path(f"{_CONVERSATION}links/<int:link>/switch/", sharing.switch_link, name="share-link-switch"),
    path(f"{_CONVERSATION}links/<int:link>/remove/", sharing.remove_link, name="share-link-remove"),
    path("share/<str:token>/", snapshot.snapshot, name="snapshot"),
    path("share/<str:token>/files/<str:name>/", snapshot.file, name="snapshot-file"),
    path("share/<str:token>/files/<str:name>/thumbnail/", snapshot.thumbnail, name="snapshot-thumbnail"),
    path(_MESSAGE, fragments.message, name="message"),
    path(f"{_MESSAGE}edit/", sending.edit, name="message-edit"),
    path(f"{_MESSAGE}regenerate/", sending.regenerate, name="message-regenerate"),
    path(f"{_MESSAGE}continue/", sending.continue_answer, name="message-continue"),
    path(f"{_MESSAGE}omit/", sending.omit, name="message-omit"),
    path(f"{_MESSAGE}select/", managing.select, name="message-select"),
    path(f"{_MESSAGE}fork/", managing.fork, name="message-fork"),
    path("attachments/", attachments.upload, name="attachments"),
    path("attachments/<uuid:id>/", attachments.attachment, name="attachment"),
    path("attachments/<uuid:id>/thumbnail/", attachments.thumbnail, name="attachment-thumbnail"),
    path("audit/", audit.audit, name="audit"),
    path("audit/download/", audit.download, name="audit-download"),
    path("usage/", usage.usage, name="usage"),
    path("usage/download/", usage.download, name="usage-download"),
    path("generations/<uuid:id>/stop/", generations.stop, name="generation-stop"),
    path("generations/<uuid:id>/events/", generations.events, name="generation-events"),
]
