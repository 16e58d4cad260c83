"""The page in a real browser: what it shows of real programs, and that their texts stay texts."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Callable

import pytest

from ..waiting import wait_until
from .conftest import Served

pytest.importorskip("bokeh")
expect = pytest.importorskip("playwright.sync_api").expect

TYPE_CHECKING = False
if TYPE_CHECKING:
    from playwright.sync_api import Page

Start = Callable[[str], "subprocess.Popen[str]"]


def done(page: Page) -> int:
    """Returns how many calls the page says are done."""
    shown = page.locator(".tile").filter(has_text=re.compile(r"done$")).locator("b").inner_text()
    return int(shown.replace(",", ""))


def open_tab(page: Page, title: str) -> None:
    page.locator(".bk-tab").filter(has_text=re.compile(f"^{title}$")).click()


def test_figures_move_while_a_map_runs(page: Page, served: Served, program: Start) -> None:
    program("tides")
    page.goto(served.url)
    expect(page.locator("select")).to_contain_text("tides.py")
    expect(page.locator(".tile").filter(has_text="at work")).to_contain_text("2/2")
    before = done(page)
    # Not by the page itself, whose policy forbids to evaluate what it is not asked to.
    wait_until(lambda: done(page) > before + 20, what="more are done", timeout=45)
    # The task stream is drawn of what the workers did.
    drawn = """() => Bokeh.documents[0].get_model_by_name('stream').renderers[0]
                 .data_source.get_length()"""
    wait_until(lambda: page.evaluate(drawn) > 5, what="the task stream is drawn", timeout=45)


def test_the_address_is_without_the_token_once_it_is_open(page: Page, served: Served) -> None:
    page.goto(served.url)
    expect(page.locator(".bk-tab").first).to_be_visible()
    assert page.url == f"http://127.0.0.1:{served.port}/"
    (cookie,) = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert page.evaluate("document.cookie") == ""
    assert served.token not in page.content()


def test_what_users_have_named_stays_a_text(page: Page, served: Served, program: Start) -> None:
    program("named")
    page.goto(served.url)
    expect(page.locator("select")).to_contain_text("named.py")
    open_tab(page, "Failures")
    row = page.locator(".slick-row").filter(has_text="<script>document.title").first
    expect(row).to_contain_text("bad input")
    row.locator(".slick-cell").last.click()
    expect(page.locator("pre")).to_contain_text("<script>document.title='attacked'</script>")
    expect(page.locator("pre")).to_contain_text("Traceback")
    open_tab(page, "Maps and jobs")
    expect(page.locator(".slick-row").filter(has_text="<img src=x onerror")).to_be_visible()
    open_tab(page, "Slowest calls")
    expect(page.locator(".slick-row").filter(has_text="<img src=x onerror").first).to_be_attached()
    open_tab(page, "Overview")
    expect(page.get_by_text("<img src=x onerror", exact=False).first).to_be_attached()
    assert page.title() == "gridengine dashboard"


def test_two_programs_are_shown_at_once(page: Page, served: Served, program: Start) -> None:
    program("first")
    program("second")
    page.goto(served.url)
    open_tab(page, "Programs")
    for name in ("first.py", "second.py"):
        row = page.locator(".slick-row").filter(has_text=name)
        expect(row).to_contain_text("runs")
    # A page that is opened now shows the newest, and the other one when it is chosen.
    page.reload()
    expect(page.locator("select option:checked")).to_contain_text("second.py")
    open_tab(page, "Programs")
    page.locator(".slick-row").filter(has_text="first.py").locator(".slick-cell").first.click()
    expect(page.locator("select option:checked")).to_contain_text("first.py")
    expect(page.locator(".tile").filter(has_text="at work")).to_contain_text("2/2")


def test_a_program_that_is_killed_stays_with_its_last_figures(
    page: Page, served: Served, program: Start
) -> None:
    killed = program("killed")
    page.goto(served.url)
    expect(page.locator("select option:checked")).to_contain_text("killed.py")
    killed.send_signal(signal.SIGKILL)
    expect(page.locator(".facts")).to_contain_text("ended at")
    assert done(page) >= 1
    program("after")
    expect(page.locator("select")).to_contain_text("after.py")


@pytest.mark.slow
def test_each_tab_can_be_opened(page: Page, served: Served, program: Start) -> None:
    program("tabs")
    page.goto(served.url)
    expect(page.locator("select option:checked")).to_contain_text("tabs.py")
    expected = {"Workers": "process", "Queue jobs": "queue job", "Notices": "what"}
    for title, column in expected.items():
        open_tab(page, title)
        expect(
            page.locator(".slick-header-column:visible").filter(has_text=column).first
        ).to_be_visible()
    open_tab(page, "Workers")
    expect(page.locator(".slick-row:visible")).to_have_count(2)
