"""Who may see the dashboard: the token, the names of the host, pages of others, and `/metrics`."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gridengine.cli import main as cli

from ..waiting import wait_until
from .conftest import Served, dashboard

httpx = pytest.importorskip("httpx")
pytest.importorskip("bokeh")
parser = pytest.importorskip("prometheus_client.parser")

Start = Callable[[str], "subprocess.Popen[str]"]

UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=f"http://127.0.0.1:{served.port}", timeout=30, trust_env=False
    ) as it:
        yield it


@pytest.fixture
def known(client: httpx.Client, served: Served) -> httpx.Client:
    """A client that sends the token."""
    client.headers["Authorization"] = f"Bearer {served.token}"
    return client


@pytest.mark.parametrize(
    "path", ["/", "/ws", "/metrics", "/metadata", "/static/js/bokeh.min.js", "/x"]
)
def test_without_the_token_nothing_is_answered(client: httpx.Client, path: str) -> None:
    for answer in (
        client.get(path),
        client.get(path, params={"token": "wrong"}),
        client.get(path, headers={"Authorization": "Bearer wrong"}),
        client.get(path, headers={"Authorization": "Bearer \xff".encode("latin1")}),
        client.get(path, headers=UPGRADE),
        client.post(path),
    ):
        assert answer.status_code == 403
        assert "bokeh" not in answer.text.lower()


def test_a_refusal_says_what_to_do(client: httpx.Client) -> None:
    assert "?token=" in client.get("/").text


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "evil.example:80", "", "["]
)
def test_a_name_that_others_chose_for_this_host_is_refused(known: httpx.Client, host: str) -> None:
    answer = known.get("/", headers={"Host": host})
    assert answer.status_code in (400, 403)


@pytest.mark.parametrize("host", ["127.0.0.1:1", "localhost:8000", "LOCALHOST", "[::1]:8000"])
def test_the_end_of_a_tunnel_may_have_any_port(known: httpx.Client, host: str) -> None:
    assert known.get("/metrics", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "", "http://127.0.0.1:1"])
def test_a_page_of_another_site_cannot_connect(known: httpx.Client, origin: str) -> None:
    answer = known.get("/ws", headers={**UPGRADE, "Origin": origin})
    assert answer.status_code == 403


def test_a_page_of_another_site_cannot_load_parts_of_it(known: httpx.Client) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert known.get("/metrics", headers=headers).status_code == 403


def test_the_address_with_the_token_leaves_a_cookie_that_scripts_cannot_read(
    client: httpx.Client, served: Served
) -> None:
    answer = client.get(served.url)
    assert answer.status_code == 200
    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    # From then on the cookie is enough.
    assert client.get("/").status_code == 200


def test_all_that_the_page_needs_comes_from_this_server(known: httpx.Client) -> None:
    answer = known.get("/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-eval" not in policy
    assert "script-src 'self' 'nonce-" in policy
    sources = re.findall(r"""(?:src|href)=["']([^"']+)""", answer.text)
    assert sources
    for source in sources:
        assert source.startswith("/static/")
        assert known.get(source).status_code == 200
    assert re.findall(r"https?://[^\s\"'<]+", answer.text) == []
    assert answer.headers["cache-control"] == "no-store"


def test_prometheus_reads_the_figures(known: httpx.Client, program: Start) -> None:
    process = program("measured")

    def figures() -> dict[str, float]:
        found = {}
        for family in parser.text_string_to_metric_families(known.get("/metrics").text):
            for sample in family.samples:
                if sample.labels.get("pid") == str(process.pid):
                    found[sample.name] = sample.value
        return found

    wait_until(lambda: figures().get("gridengine_calls_done_total", 0) > 100, what="calls are done")
    wait_until(lambda: figures().get("gridengine_calls_failed_total", 0) > 2, what="some fail")
    seen = figures()
    assert (seen["gridengine_up"], seen["gridengine_workers"]) == (1, 2)
    process.kill()
    wait_until(lambda: figures()["gridengine_up"] == 0, what="it is seen to have ended")
    assert figures()["gridengine_calls_done_total"] >= seen["gridengine_calls_done_total"]


def test_behind_a_proxy_it_has_a_prefix_and_a_further_name(tmp_path: Path) -> None:
    options = ("--prefix", "/user/me/gridengine/", "--allow-host", "hub.example.org")
    tmp_path.chmod(0o700)
    with dashboard(tmp_path, *options, GRIDENGINE_DASHBOARD_TOKEN="set by hand") as served:
        assert served.url.endswith("/user/me/gridengine/?token=set%20by%20hand")
        headers = {"Authorization": "Bearer set by hand", "Host": "hub.example.org"}
        with httpx.Client(headers=headers, timeout=30, trust_env=False) as client:
            base = f"http://127.0.0.1:{served.port}"
            answer = client.get(f"{base}/user/me/gridengine/")
            assert answer.status_code == 200
            assert 'src="/user/me/gridengine/static/' in answer.text
            assert client.get(f"{base}/user/me/gridengine/metrics").status_code == 200
            assert client.get(f"{base}/metrics").status_code == 404


def test_nobody_can_fill_its_memory(known: httpx.Client) -> None:
    # It hangs up, or says why, before all is sent.
    with contextlib.suppress(httpx.TransportError):
        assert known.post("/metrics", content=bytes(10_000_000)).status_code in (400, 413)


def test_nobody_on_another_host_can_connect(served: Served) -> None:
    with socket.socket() as other:
        # The address of another interface, if there were one: it listens on this one alone.
        other.settimeout(5)
        assert other.connect_ex(("127.0.0.2", served.port)) != 0


def test_a_port_that_is_taken_is_said(served: Served) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gridengine", "dashboard", "--port", str(served.port)],
        env=dict(os.environ), capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == (
        f"gridengine: port {served.port} is in use: give another one (--port), or none\n"
    )


@pytest.mark.parametrize("port", ["65536", "-1", "http"])
def test_what_is_no_port_is_a_wrong_command_line(
    port: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["dashboard", f"--port={port}"])
    assert ended.value.code == 2
    assert "a number up to 65535" in capsys.readouterr().err


def test_without_its_libraries_it_names_the_extra(tmp_path: Path) -> None:
    (tmp_path / "bokeh.py").write_text("raise ModuleNotFoundError('no', name='bokeh')")
    done = subprocess.run(
        [sys.executable, "-m", "gridengine", "dashboard", "--port", "0"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("gridengine: gridengine dashboard needs bokeh")
    assert "pip install 'gridengine[dashboard]'" in done.stderr
