"""A stub of the API of Kubeflow Pipelines: it answers a few paths from memory and keeps what it was asked."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlparse

TIME = "2026-11-24T06:00:00Z"


@dataclass
class Stub:
    """What it answers, and what it was asked.

    Attributes
    ----------
    endpoint : its URL.
    states : state of a run at each look; the last one stays.
    failing : status that every answer has, or None.
    slow_s : seconds before every answer.
    instead : (content type, body) of every answer, with status 200, or None: somebody else answers.
    requests : (method, path, body, Authorization) of every request.
    """

    endpoint: str = ""
    states: list[str] = field(default_factory=lambda: ["RUNNING", "SUCCEEDED"])
    failing: int | None = None
    slow_s: float = 0.0
    instead: tuple[str, str] | None = None
    requests: list[tuple[str, str, Any, str | None]] = field(default_factory=list)
    runs: dict[str, Any] = field(default_factory=dict)
    schedules: dict[str, Any] = field(default_factory=dict)

    def body(self, method: str, path: str) -> Any:
        """The body of the only request of this kind."""
        (found,) = [body for m, p, body, _ in self.requests if (m, p) == (method, path)]
        return found

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        """Status and JSON of an answer."""
        if self.failing is not None:
            return self.failing, {"error": "stub", "code": 13, "message": "the database is on fire"}
        if path.endswith("/healthz"):
            return 200, {"multi_user": False}
        kind, _, key = path.removeprefix("/apis/v2beta1/").partition("/")
        if kind == "experiments":
            found = {"experiment_id": "experiment-1", "display_name": "dacapo"}
            return 200, found if method == "POST" else {"experiments": [found]}
        if kind == "runs":
            return self._run(method, key, body)
        if kind == "recurringruns":
            return self._schedule(method, key, body)
        return 404, {"message": f"no {path}"}

    def _run(self, method: str, key: str, body: Any) -> tuple[int, Any]:
        if method == "POST":
            self.runs["run-1"] = body | {"run_id": "run-1", "created_at": TIME}
            return 200, self.runs["run-1"]
        if not key:
            return 200, {"runs": [self._seen(run) for run in self.runs.values()]}
        return (200, self._seen(self.runs[key])) if key in self.runs else (404, {"message": f"Run {key} not found"})

    def _seen(self, run: dict[str, Any]) -> dict[str, Any]:
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        task = {"display_name": "Trainer", "state": state, "start_time": TIME}
        driver = {"display_name": "Trainer-driver", "state": "SUCCEEDED", "start_time": TIME}
        return run | {"state": state, "run_details": {"task_details": [driver, task]}}

    def _schedule(self, method: str, key: str, body: Any) -> tuple[int, Any]:
        if method == "POST":
            self.schedules["schedule-1"] = body | {"recurring_run_id": "schedule-1", "status": "ENABLED"}
            return 200, self.schedules["schedule-1"]
        if method == "DELETE":
            del self.schedules[key]
            return 200, {}
        return 200, {"recurringRuns": list(self.schedules.values())}


@contextmanager
def kubeflow_stub() -> Iterator[Stub]:
    """The stub, on a free port of this machine."""
    stub = Stub()

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            path = urlparse(self.path).path
            stub.requests.append((self.command, path, body, self.headers.get("Authorization")))
            time.sleep(stub.slow_s)
            status, answer = stub.answer(self.command, path, body)
            kind, text = stub.instead or ("application/json", json.dumps(answer))
            content = text.encode()
            self.send_response(200 if stub.instead else status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            with suppress(BrokenPipeError):  # whoever asked did not wait
                self.wfile.write(content)

        do_GET = do_POST = do_DELETE = _serve

        def log_message(self, format: str, *arguments: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    stub.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
