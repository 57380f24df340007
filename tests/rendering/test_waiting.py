from __future__ import annotations

from concurrent.futures import Future

from conversations.rendering.jobs import DocumentJob, Job, TailJob
from conversations.rendering.waiting import LIVE_BURST, LIVE_SHARE, Ticket, WaitingJobs


def ticket(job: Job) -> Ticket:
    return Ticket(job, Future())


def live(key: str, tail: str = "x") -> Ticket:
    return ticket(TailJob(tail, key=key))


def test_final_and_page_renders_come_before_live_ones_in_their_order() -> None:
    waiting = WaitingJobs()
    tickets = [live("a"), ticket(DocumentJob("page")), ticket(TailJob("end", final=True, key="b"))]
    for each in tickets:
        waiting.add(each)
    assert [waiting.take(0.0) for _ in range(4)] == [tickets[1], tickets[2], tickets[0], None]


def test_a_newer_live_job_takes_the_place_of_the_older_with_its_key() -> None:
    waiting = WaitingJobs()
    older, other, newer = live("a", "1"), live("b"), live("a", "12")
    for each in (older, other, newer):
        waiting.add(each)
    assert older.future.cancelled() and len(waiting) == 2
    assert [waiting.take(0.0), waiting.take(0.0)] == [newer, other]


def test_a_final_job_removes_the_live_one_of_its_text() -> None:
    waiting = WaitingJobs()
    older, final = live("a"), ticket(TailJob("x", final=True, key="a"))
    waiting.add(older)
    waiting.add(final)
    assert older.future.cancelled() and waiting.take(0.0) is final and waiting.take(0.0) is None


def test_live_jobs_wait_until_their_share_is_earned_again() -> None:
    waiting = WaitingJobs()
    first, second = live("a"), live("b")
    waiting.add(first)
    waiting.add(second)
    assert waiting.take(100.0) is first
    waiting.spent(first, LIVE_BURST + 0.05)
    assert waiting.take(100.0) is None
    assert (
        waiting.ready_in(100.0) == 0.05 / LIVE_SHARE
        or abs(waiting.ready_in(100.0) - 0.05 / LIVE_SHARE) < 1e-9
    )  # type: ignore[operator]
    assert waiting.take(100.0 + 0.05 / LIVE_SHARE + 1e-6) is second


def test_in_the_long_run_live_jobs_use_no_more_than_their_share() -> None:
    waiting = WaitingJobs()
    now = spent = 0.0
    while now < 100.0:
        waiting.add(live("a"))
        pause = waiting.ready_in(now)
        assert pause is not None
        now += pause
        taken = waiting.take(now + 1e-9)
        assert taken is not None
        waiting.spent(taken, 0.004)
        spent += 0.004
        now += 0.004
    assert spent <= 100.0 * LIVE_SHARE + LIVE_BURST + 0.01


def test_final_jobs_never_wait_for_the_share() -> None:
    waiting = WaitingJobs()
    waiting.add(live("a"))
    taken = waiting.take(0.0)
    assert taken is not None
    waiting.spent(taken, 10.0)
    page = ticket(DocumentJob("x"))
    waiting.add(page)
    assert waiting.ready_in(0.0) == 0.0 and waiting.take(0.0) is page


def test_nothing_waiting_is_never_ready() -> None:
    assert WaitingJobs().ready_in(0.0) is None


def test_draining_returns_everything() -> None:
    waiting = WaitingJobs()
    tickets = [ticket(DocumentJob("x")), live("a")]
    for each in tickets:
        waiting.add(each)
    assert waiting.drain() == tickets and len(waiting) == 0
