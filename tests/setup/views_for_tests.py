"""Views that only the tests of the request path use, as a URLconf."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import AsyncIterator

from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from chatsite import urls

handler404, handler500 = urls.handler404, urls.handler500
closed: list[str] = []


@login_not_required
def where(request: HttpRequest) -> JsonResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    loop = async_to_sync(_loop)()
    return JsonResponse(
        {"thread": threading.current_thread().name, "connection": id(connection.connection), "loop": loop}
    )


async def _loop() -> int:
    return id(asyncio.get_running_loop())


@login_not_required
async def waits(request: HttpRequest) -> HttpResponse:
    name = await sync_to_async(lambda: threading.current_thread().name)()
    return HttpResponse(name)


@login_not_required
async def ticks(request: HttpRequest) -> StreamingHttpResponse:
    async def body() -> AsyncIterator[str]:
        try:
            for number in range(int(request.GET.get("count", 3))):
                yield f"{number};"
                await asyncio.sleep(0)
            if "for_ever" in request.GET:
                await asyncio.Event().wait()
        finally:
            closed.append(request.path)

    return StreamingHttpResponse(body())


@login_not_required
def file(request: HttpRequest) -> FileResponse:
    response = FileResponse(io.BytesIO(b"x" * 200_000), content_type="image/png")
    response.set_cookie("seen", "1")
    return response


@login_not_required
def breaks(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("a secret detail")


@login_not_required
def long_page(request: HttpRequest) -> HttpResponse:
    return HttpResponse("<p>" + "words " * 1000, content_type=request.GET.get("type", "text/html"))


@csrf_exempt
@login_not_required
def given(request: HttpRequest) -> JsonResponse:
    files = {name: file.read().decode() for name, file in request.FILES.items()}
    return JsonResponse({**request.POST.dict(), **files})


urlpatterns = [
    path("given", given),
    path("where", where),
    path("waits", waits),
    path("ticks", ticks),
    path("file", file),
    path("breaks", breaks),
    path("long", long_page),
]
