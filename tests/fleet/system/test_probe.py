"""What is true of a process is observed: probes of real servers, and of none."""

import asyncio
import contextlib
import http.server
import json
import socket
import socketserver
import threading
from http import HTTPStatus
from pathlib import Path
from typing import ClassVar

import pytest

from flotilla.clock import monotonic_ns
from flotilla.errors import ConfigError
from flotilla.fleet.system.logs import rotation
from flotilla.fleet.system.probe import Line, control, drained, tcp
from flotilla.fleet.system.probe import http as http_probe


class Platform(http.server.BaseHTTPRequestHandler):
    """A platform's control endpoint: drained at the third question after it was asked to."""

    asked: ClassVar[list] = []
    refuses = False
    lies = False

    def do_GET(self):
        Platform.asked.append(("GET", self.path))
        questions = sum(path.endswith("health") for _, path in Platform.asked)
        self._answer(HTTPStatus.OK, {"drained": questions >= 3 and not Platform.lies, "positions": 2})

    def do_POST(self):
        Platform.asked.append(("POST", self.path))
        self._answer(HTTPStatus.CONFLICT if Platform.refuses else HTTPStatus.OK, {"draining": True})

    def _answer(self, code, body):
        text = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        return

    def address_string(self):
        return "a peer"  # a unix socket has no address to take apart


class OverUnix(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


@contextlib.contextmanager
def serving(server):
    Platform.asked, Platform.refuses, Platform.lies = [], False, False
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def url():
    with serving(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Platform)) as server:
        yield f"http://127.0.0.1:{server.server_port}"


@pytest.fixture
def answering():
    """Return a function: serve bytes to whoever connects, and return the URL."""
    with contextlib.ExitStack() as stack:

        def answer_with(*pieces: bytes, hang: bool = False) -> str:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            done = threading.Event()

            def serve():
                with contextlib.suppress(OSError):
                    peer, _ = listener.accept()
                    with peer:
                        for piece in pieces:
                            peer.sendall(piece)
                        if hang:
                            done.wait(10)
                        peer.shutdown(socket.SHUT_WR)
                        peer.recv(4096)

            thread = threading.Thread(target=serve)
            thread.start()
            stack.callback(thread.join)
            stack.callback(done.set)
            return f"http://127.0.0.1:{listener.getsockname()[1]}/health"

        yield answer_with


def test_a_2xx_is_well_and_everything_else_is_not(url, answering):
    assert asyncio.run(http_probe(url, 5)).ok
    assert asyncio.run(http_probe(answering(b"HTTP/1.1 204 No Content\r\n\r\n"), 5)).ok

    for code in (b"301 Elsewhere", b"404 Not Found", b"503 Busy"):
        seen = asyncio.run(http_probe(answering(b"HTTP/1.1 " + code + b"\r\n\r\n"), 5))
        assert not seen.ok
        assert code.decode() in seen.what


def test_a_server_that_takes_a_connection_and_says_nothing_is_not_well(answering):
    began = monotonic_ns()

    seen = asyncio.run(http_probe(answering(hang=True), 0.2))

    assert not seen.ok
    assert "did not answer within 0.2 s" in seen.what
    assert monotonic_ns() - began < 2e9


def test_a_server_that_never_finishes_is_held_to_the_deadline(answering):
    seen = asyncio.run(
        http_probe(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", hang=True), 0.2)
    )

    assert not seen.ok


@pytest.mark.parametrize(
    "noise", [b"", b"\n", b"220 smtp\r\n", b"HTTP/1.1 abc\r\n\r\n", b"x" * 200_000, b"\0\xff"]
)
def test_what_is_not_http_is_not_well(noise, answering):
    assert not asyncio.run(http_probe(answering(noise), 5)).ok


def test_an_endless_answer_is_not_read_to_its_end(answering):
    url = answering(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 65_536, hang=True)

    assert asyncio.run(http_probe(url, 5)).ok


def test_nobody_listening_is_seen_at_once():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        assert asyncio.run(tcp(address, 5)).ok

    for seen in (asyncio.run(tcp(address, 5)), asyncio.run(http_probe(f"http://{address}/", 5))):
        assert not seen.ok
        assert "nobody listens" in seen.what


def test_control_asks_over_http_and_over_a_unix_socket(url, tmp_path, monkeypatch):
    seen = asyncio.run(control(f"{url}/engine/", "health", 5))
    assert (seen.ok, seen.data["positions"]) == (True, 2)
    assert Platform.asked == [("GET", "/engine/api/v1/control/health")]

    monkeypatch.chdir(tmp_path)
    with serving(OverUnix("control.sock", Platform)):
        seen = asyncio.run(control("unix:control.sock", "drain", 5))
        assert seen.ok
        assert Platform.asked == [("POST", "/api/v1/control/drain")]
    Path("control.sock").unlink()
    assert asyncio.run(control("unix:control.sock", "health", 5)).data == {"gone": True}


def test_an_answer_that_is_no_object_holds_nothing(answering):
    for body in (b"<html>", b"[1]", b'{"a"', b"\xff\xfe"):
        seen = asyncio.run(control(answering(b"HTTP/1.0 200 OK\r\n\r\n" + body), "health", 5))
        assert seen == (True, "answered 200 OK", {})


def test_drained_is_seen_and_not_believed(url):
    seen = asyncio.run(drained(url, 5))

    assert seen.ok
    assert [method for method, _ in Platform.asked] == ["POST", "GET", "GET", "GET"]


def test_a_platform_that_says_200_and_never_drains_has_not_drained(url):
    Platform.lies = True

    seen = asyncio.run(drained(url, 0.4))

    assert seen == (False, "had not drained after 0.4 s", {})


def test_a_platform_that_refuses_to_drain_is_not_asked_whether_it_has(url):
    Platform.refuses = True

    assert not asyncio.run(drained(url, 5)).ok
    assert len(Platform.asked) == 1


def test_a_line_is_found_when_it_is_written_even_in_pieces(tmp_path):
    log = tmp_path / "engine.log"
    line = Line(log, "engine is up")
    assert not line.look()

    with log.open("ab", buffering=0) as out:
        for piece in (b"starting\n", b"engine is", b" u", b"p, serving\n"):
            assert not line.look()
            out.write(piece)

    assert line.look()
    log.unlink()
    assert line.look()  # it was seen


def test_a_line_of_another_run_is_not_taken_for_ours(tmp_path):
    log = tmp_path / "engine.log"
    log.write_text("engine is up\n")

    line = Line(log, "engine is up", offset=log.stat().st_size)

    assert not line.look()
    log.write_text("engine is up\nengine is up\n")
    assert line.look()


def test_a_line_is_found_though_the_log_was_rotated_before_we_looked(tmp_path):
    log = tmp_path / "engine.log"
    log.write_text("before\n" * 10_000)
    line = Line(log, "engine is up", offset=log.stat().st_size)
    with log.open("a") as out:
        out.write("engine is up\n" + "after\n" * 10_000)

    for _ in rotation(log, 0.01, keep=9):
        pass

    assert line.look()


def test_a_log_is_read_once_and_only_a_little_at_a_time(tmp_path):
    log = tmp_path / "engine.log"
    log.write_bytes(b"x" * 9_000_000 + b"ready\n")
    line = Line(log, "ready")

    looks = 1
    while not line.look():
        looks += 1

    assert looks == 3


@pytest.mark.parametrize("text", ["", "two\nlines"])
def test_what_is_not_part_of_a_line_is_refused(text, tmp_path):
    with pytest.raises(ConfigError):
        Line(tmp_path / "log", text)
