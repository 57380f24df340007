"""What stands around a quotation in our own copy of the document; fetched when the panel of a source is opened."""

from __future__ import annotations

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from .. import access
from ..access import NotFound, Operation
from ..attachments import sending
from ..attachments.passages import passage
from .citations import Citations, cited_files
from .requests import person


@require_safe
def source(request: HttpRequest, id: uuid.UUID, message: uuid.UUID, number: int) -> HttpResponse:
    """GET …/messages/<uuid>/sources/<number>/: the passage, or a sentence that says why there is none."""
    found = access.message(person(request), id, message, Operation.READ)
    sources = Citations(found.pk, cited_files(found.conversation, [found]))
    for block in found.content:
        sources.of(block)
    cited = next((one for one in sources.found if one.number == number), None)
    if cited is None or cited.file is None or cited.characters is None:
        raise NotFound
    context: dict[str, object] = {}
    try:
        context["passage"] = passage(sending.text_of(cited.file), *cited.characters, cited.quote)
    except sending.CannotBeSent:
        context["lost"] = True
    return render(request, "conversations/_passage.html", context)
