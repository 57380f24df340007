"""The service and its process: results, priorities, and everything that can befall a process."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from conversations.rendering.jobs import DocumentJob, TailJob
from conversations.rendering.markdown import render_document
from conversations.rendering.service import RenderService

WAIT = 30.0
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def own_service() -> Iterator[RenderService]:
    """A service whose process may be ill-treated."""
    service = RenderService(wall_seconds=20.0)
    yield service
    service.close()


def started(service: RenderService) -> int:
    """Make the service start its process and return its id."""
    service.submit(DocumentJob("start")).result(WAIT)
    assert service.worker_pid
    return service.worker_pid


def gone(pid: int) -> bool:
    """Wait until a process that is not our child has ended."""
    if not hasattr(os, "pidfd_open"):
        pytest.skip("the end of a process can only be awaited on Linux")
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], WAIT)[0])
    finally:
        os.close(descriptor)


def run(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=WAIT
    ).stdout.strip()


def test_a_document_comes_back_as_the_blocks_it_is(service: RenderService) -> None:
    text = "# A\n\ntext 👩‍👩‍👧 $x$\n\n```py\n1\n```"
    assert service.submit(DocumentJob(text)).result(WAIT) == render_document(text)


def test_a_tail_comes_back_as_a_segment(service: RenderService) -> None:
    segment = service.submit(TailJob("a\n\nb **c** d")).result(WAIT)
    assert segment is not None
    assert segment.closed == ["<p>a</p>\n"] and segment.open == "<p>b <strong>c</strong> d</p>\n"
    assert segment.consumed == 2


def test_references_travel_with_a_tail(service: RenderService) -> None:
    first = service.submit(TailJob("[a]: https://x.y\n\nz\n\n")).result(WAIT)
    assert first is not None
    second = service.submit(TailJob("[a]", first.references, final=True)).result(WAIT)
    assert second is not None and 'href="https://x.y"' in second.closed[0]


def test_half_a_character_costs_only_itself(service: RenderService) -> None:
    assert service.submit(DocumentJob("a \ud83d b **c**")).result(WAIT) == [
        "<p>a ? b <strong>c</strong></p>\n"
    ]


def test_a_text_seen_before_is_ready_at_once(service: RenderService) -> None:
    first = service.submit(DocumentJob("once *more*")).result(WAIT)
    again = service.submit(DocumentJob("once *more*"))
    assert again.done() and again.result() == first


def test_what_was_remembered_is_not_rendered() -> None:
    service = RenderService()
    service.remember("text", ["<p>known</p>"])
    assert service.submit(DocumentJob("text")).result(0) == ["<p>known</p>"] and service.worker_pid is None
    service.close()


def test_many_threads_may_submit_at_once(service: RenderService) -> None:
    results: dict[int, list[str]] = {}

    def ask(number: int) -> None:
        results[number] = service.submit(DocumentJob(f"thread *{number}*")).result(WAIT)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {number: [f"<p>thread <em>{number}</em></p>\n"] for number in range(20)}


def test_a_text_over_the_limit_comes_back_plain(service: RenderService) -> None:
    blocks = service.submit(DocumentJob("**x** " * 50_000)).result(WAIT)
    assert blocks[0].startswith('<p class="plain">**x** ')


def test_a_killed_process_is_replaced(own_service: RenderService) -> None:
    first = started(own_service)
    os.kill(first, signal.SIGKILL)
    assert own_service.submit(DocumentJob("**after**")).result(WAIT) == ["<p><strong>after</strong></p>\n"]
    assert own_service.worker_pid not in (None, first)


def test_a_job_whose_process_is_killed_by_somebody_else_is_done_by_the_next(
    own_service: RenderService,
) -> None:
    pid = started(own_service)
    os.kill(pid, signal.SIGSTOP)
    future = own_service.submit(DocumentJob("**in the middle**"))
    os.kill(pid, signal.SIGKILL)
    assert future.result(WAIT) == ["<p><strong>in the middle</strong></p>\n"]


def test_a_job_that_used_up_its_cpu_in_one_call_is_shown_plain_and_the_next_works(
    own_service: RenderService,
) -> None:
    pid = started(own_service)
    os.kill(pid, signal.SIGSTOP)
    future = own_service.submit(DocumentJob("**guilty**"))
    os.kill(pid, signal.SIGPROF)  # what the kernel sends when the last resort is reached
    os.kill(pid, signal.SIGCONT)
    assert future.result(WAIT) == ['<p class="plain">**guilty**</p>']
    assert own_service.submit(DocumentJob("*next*")).result(WAIT) == ["<p><em>next</em></p>\n"]


def test_a_stuck_process_is_killed_and_the_next_job_works() -> None:
    service = RenderService(wall_seconds=0.3)
    pid = started(service)
    os.kill(pid, signal.SIGSTOP)
    assert service.submit(TailJob("*stuck*", final=True)).result(WAIT) is None
    assert gone(pid)
    assert service.submit(DocumentJob("*next*")).result(WAIT) == ["<p><em>next</em></p>\n"]
    service.close()


def test_a_job_that_cannot_even_be_asked_costs_nobody_else_anything(
    own_service: RenderService, caplog: pytest.LogCaptureFixture
) -> None:
    no_json = {"a": {"href": object()}}
    assert own_service.submit(TailJob("[a]", no_json)).result(WAIT) is None
    assert "could not be asked" in caplog.text
    assert own_service.submit(DocumentJob("*next*")).result(WAIT) == ["<p><em>next</em></p>\n"]


def test_an_idle_process_ends_and_the_next_job_starts_another() -> None:
    service = RenderService(idle_seconds=0.05)
    pid = started(service)
    assert gone(pid)
    assert service.submit(DocumentJob("*again*")).result(WAIT) == ["<p><em>again</em></p>\n"]
    service.close()


def test_closing_ends_the_process_and_cancels_what_waits() -> None:
    service = RenderService()
    pid = started(service)
    os.kill(pid, signal.SIGSTOP)
    running = service.submit(DocumentJob("*running*"))
    waiting = [service.submit(DocumentJob(f"*{number}*")) for number in range(3)]
    service.close()
    assert gone(pid) and service.worker_pid is None
    assert running.done() and all(future.cancelled() for future in waiting)
    assert service.submit(DocumentJob("late")).cancelled()
    service.close()


def test_a_server_that_dies_takes_its_process_along() -> None:
    pid = run(
        "import os\n"
        "from conversations.rendering.service import RenderService\n"
        "from conversations.rendering.jobs import DocumentJob\n"
        "service = RenderService()\n"
        "service.submit(DocumentJob('x')).result(30)\n"
        "print(service.worker_pid, flush=True)\n"
        "os._exit(0)\n"
    )
    assert gone(int(pid))


def test_a_server_that_ends_without_closing_leaves_no_warning_and_no_process() -> None:
    result = subprocess.run(
        [
            *(sys.executable, "-W", "error", "-X", "dev", "-c"),
            "from conversations.rendering.service import RenderService\n"
            "from conversations.rendering.jobs import DocumentJob\n"
            "service = RenderService()\n"
            "service.submit(DocumentJob('x')).result(30)\n"
            "print(service.worker_pid)\n",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=WAIT,
        check=True,
    )
    assert result.stderr == "" and gone(int(result.stdout))


def test_the_process_holds_nothing_of_the_servers_environment(service: RenderService) -> None:
    environment = Path(f"/proc/{started(service)}/environ")
    if not environment.exists():
        pytest.skip("no /proc here")
    assert environment.read_bytes() == b""


def test_the_server_does_not_load_the_parser() -> None:
    loaded = run(
        "import sys, conversations.rendering.live, conversations.rendering.plain\n"
        "print([name for name in ('markdown_it', 'nh3', 'pygments', 'latex2mathml') if name in sys.modules])"
    )
    assert loaded == "[]"


def test_the_process_does_not_load_django_nor_what_it_does_not_need() -> None:
    loaded = run(
        "import sys, conversations.rendering.worker\n"
        "names = ('django', 'httpx', 'asyncio', 'latex2mathml', 'pygments.lexers._mapping')\n"
        "print([name for name in names if name in sys.modules])"
    )
    assert loaded == "[]"


def test_the_process_stays_small(service: RenderService) -> None:
    status = Path(f"/proc/{started(service)}/status")
    if not status.exists():
        pytest.skip("no /proc here")
    own = RenderService()
    pid = started(own)
    own.submit(
        DocumentJob("# A\n\n$x$\n\n```python\n1\n```\n\n```js\n1\n```\n\n| a |\n|---|\n| b |\n")
    ).result(WAIT)
    line = next(
        line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS")
    )
    own.close()
    assert int(line.split()[1]) < 40 * 1024
