"""A stub of the Kubernetes API: TrainJobs, pods and logs over HTTP, so that the real client is driven.

What a real controller would do with a job is a function that the test gives.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlparse

import kubernetes

from components.train_job.cluster import Cluster

NAMESPACE = "music"
JOBS = f"/apis/trainer.kubeflow.org/v1alpha1/namespaces/{NAMESPACE}/trainjobs"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
Answer = tuple[int, Any]


@dataclass
class StubApi:
    """What the stub knows and was asked.

    Attributes
    ----------
    on_create : called with the stub and a new job's manifest; plays the controller.
    jobs : manifests with their status, by name.
    pods : (pod, log) by name.
    steps : names of pods of steps.
    requests : method and path of everything that was asked, in order.
    refuse : answers to give instead: (method, path's beginning) -> HTTP statuses, used up one by one.
    refusal : what these say.
    cut : ends of paths whose answers break off in the middle.
    """

    on_create: Callable[["StubApi", dict[str, Any]], None] = lambda stub, job: None
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    pods: dict[str, tuple[dict[str, Any], str]] = field(default_factory=dict)
    steps: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    refuse: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    refusal: str = "the stub refuses"
    cut: tuple[str, ...] = ()

    def created(self) -> int:
        """How many jobs were asked for."""
        return sum(request.startswith("POST ") for request in self.requests)

    def end(self, name: str, kind: str, message: str = "") -> None:
        """Sets the condition `kind` (Complete, Failed) of a job."""
        condition = {"type": kind, "status": "True", "reason": f"Jobs{kind}", "message": message}
        self.jobs[name].setdefault("status", {}).setdefault("conditions", []).append(condition)

    def say(self, job: str, index: int, log: str, attempt: int = 0) -> None:
        """Makes a worker's pod, or replaces its log."""
        name = f"{job}-node-0-{index}-{attempt}"
        labels = {"jobset.sigs.k8s.io/jobset-name": job, "batch.kubernetes.io/job-completion-index": str(index)}
        pod = {
            "metadata": {"name": name, "uid": f"uid-{name}", "labels": labels},
            "status": {"containerStatuses": [_status()]},
        }
        self.pods[name] = (pod, log)

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> Answer:
        """Answers one request."""
        self.requests.append(f"{method} {path}")
        for (refused, prefix), statuses in self.refuse.items():
            if refused == method and path.startswith(prefix) and statuses:
                return statuses.pop(0), {"message": self.refusal}
        if method == "POST" and path == JOBS and body is not None:
            return self._create(body)
        name = path.rpartition("/")[2]
        if method == "GET" and path == JOBS:
            label, _, value = query["labelSelector"][0].partition("=")
            jobs = [job for job in self.jobs.values() if job["metadata"]["labels"].get(label) == value]
            return 200, {"items": jobs}
        if path.startswith(JOBS):
            if name not in self.jobs:
                return 404, {"message": "no such job"}
            if method == "DELETE":
                self._delete(name)
            if method == "PATCH":
                ((_, path, value),) = [change.values() for change in body or []]
                self.jobs[name]["metadata"][path.rpartition("/")[2]] = value
            return 200, self.jobs.get(name, {"kind": "Status"})
        if path == PODS:
            wanted = query["labelSelector"][0].partition("=")[2]
            items = [pod for pod, _ in self.pods.values() if wanted in pod["metadata"]["labels"].values()]
            return 200, {"kind": "PodList", "apiVersion": "v1", "items": items}
        if found := re.fullmatch(f"{PODS}/(.+)/log", path):
            return 200, self.pods[found[1]][1]
        if path.startswith(PODS) and name in self.steps:
            return 200, {"kind": "Pod", "metadata": {"name": name, "uid": f"uid-{name}"}}
        return 404, {"message": f"the stub has no {path}"}

    def _create(self, manifest: dict[str, Any]) -> Answer:
        name = manifest["metadata"]["name"]
        if name in self.jobs:
            return 409, {"message": "there is one"}
        self.jobs[name] = json.loads(json.dumps(manifest))
        self.on_create(self, self.jobs[name])
        return 201, manifest

    def _delete(self, name: str) -> None:
        del self.jobs[name]
        for pod in [pod for pod in self.pods if pod.startswith(f"{name}-")]:
            del self.pods[pod]


@contextmanager
def serving(stub: StubApi) -> Iterator[Cluster]:
    """Serves the stub on a free port; gives what the operator talks to, over the real Kubernetes client."""

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            url = urlparse(self.path)
            length = int(self.headers.get("Content-Length", 0))
            body = json.loads(self.rfile.read(length)) if length else None
            status, content = stub.answer(self.command, url.path, parse_qs(url.query), body)
            text = isinstance(content, str)
            data = content.encode() if text else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain" if text else "application/json")
            self.send_header("Content-Length", str(len(data) + url.path.endswith(stub.cut)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_DELETE = _handle

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    configuration = kubernetes.client.Configuration(host=f"http://127.0.0.1:{server.server_port}")
    configuration.retries = 0
    try:
        yield Cluster(kubernetes.client.ApiClient(configuration), NAMESPACE)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _status() -> dict[str, Any]:
    return {
        "name": "node",
        "image": "dacapo",
        "imageID": "",
        "ready": True,
        "restartCount": 0,
        "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}},
    }
