"""The API of Kubeflow Pipelines as the command line uses it: ``kfp.Client`` with time-outs and one-line errors."""

import contextlib
import io
import json
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import urllib3

from audio.errors import FULL, DaCapoError

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import kfp.client
    import kfp_server_api

CONNECT_S, ANSWER_S = 10, 60
REDIRECTS = 3
TOKEN = "DACAPO_KFP_TOKEN"
ENDPOINT = "DACAPO_KFP_ENDPOINT"
ENDED = ("SUCCEEDED", "FAILED", "SKIPPED", "CANCELED")


class KubeflowError(DaCapoError):
    """Kubeflow Pipelines did not do what was asked; one line naming the endpoint, the trouble and what to do."""


class KubeflowAway(KubeflowError):
    """It did not answer, or not with an answer that means anything: asking again may help."""


@dataclass(frozen=True)
class Cluster:
    """Where Kubeflow Pipelines is and as whom it is asked.

    Attributes
    ----------
    endpoint : such as ``https://kubeflow.example.org/pipeline``.
    token : bearer token, or None where the endpoint asks for none (a port-forward).
    namespace : of a deployment for several users; None for one that has a single one.
    ca : file of the certificate authority, or None for the system's.
    timeouts_s : to connect, to answer.
    """

    endpoint: str
    token: str | None = None
    namespace: str | None = None
    ca: Path | None = None
    timeouts_s: tuple[float, float] = field(default_factory=lambda: (CONNECT_S, ANSWER_S))


class Client(kfp.client.Client):
    """``kfp.Client`` whose requests end in time and are made once, also the one that asks whether anybody is there."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        super().__init__(
            host=cluster.endpoint,
            existing_token=cluster.token,
            ssl_ca_cert=str(cluster.ca) if cluster.ca else None,
            **({"namespace": cluster.namespace} if cluster.namespace else {}),
        )
        self._watch()

    def _load_config(self, *arguments: Any, **options: Any) -> Any:
        configuration = super()._load_config(*arguments, **options)
        # urllib3 tries four times by default, each for the whole time-out. (An int would forbid redirects.)
        configuration.retries = urllib3.Retry(total=None, connect=0, read=0, status=0, other=0, redirect=REDIRECTS)
        return configuration

    def get_kfp_healthz(self, sleep_duration: int = 0) -> Any:
        """Whether it is there, and for one user or several; kfp.Client's constructor asks for it where it matters."""
        self._watch()
        return self._healthz_api.healthz_service_get_healthz()

    def _watch(self) -> None:
        """Puts `_request` in front of the generated API's requests, which all go one way."""
        rest = self._healthz_api.api_client.rest_client
        if not isinstance(rest.request, partial):
            rest.request = partial(_request, rest.request, self._cluster)


def connect(cluster: Cluster) -> Client:
    """A client for `cluster`, which answered.

    Raises
    ------
    KubeflowError
        As for all calls within `asking`.
    """
    with asking(cluster):
        return Client(cluster)


@contextlib.contextmanager
def asking(cluster: Cluster) -> Iterator[None]:
    """Turns what goes wrong between us and Kubeflow Pipelines into one line; keeps ``kfp.Client``'s own prints quiet.

    Raises
    ------
    KubeflowAway
        It cannot be reached, takes too long, or answers with a failure of its own.
    KubeflowError
        It refuses.
    """
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    except kfp_server_api.ApiException as error:
        raise _refusal(cluster, error) from error
    except (urllib3.exceptions.HTTPError, OSError) as error:
        if isinstance(error, OSError) and error.errno in FULL:
            raise
        raise KubeflowAway(f"{cluster.endpoint}: {_away(cluster, error)}") from error
    except DaCapoError:
        raise
    except ValueError as error:  # kfp.Client's own, such as of two experiments with one name
        raise KubeflowError(f"{cluster.endpoint}: {' '.join(str(error).split())}") from error


def _request(request: Any, cluster: Cluster, *arguments: Any, **options: Any) -> Any:
    """A request that ends in time and whose answer is an API's.

    The generated API takes a time-out with each call and kfp.Client hands none on: it would wait for ever. Of an answer
    that is no JSON, such as the page of a login to which an endpoint redirects, it makes objects without any content.
    """
    answer = request(*arguments, **(options | {"_request_timeout": cluster.timeouts_s}))
    try:
        body = json.loads(answer.data)
    except (TypeError, ValueError):
        body = None
    if not isinstance(body, dict):
        raise not_kubeflow(cluster, f"answers with {answer.getheader('content-type') or 'something'} and not with JSON")
    return answer


def not_kubeflow(cluster: Cluster, found: str) -> KubeflowError:
    """The error of an endpoint that answers well and is not Kubeflow Pipelines.

    Parameters
    ----------
    found : what it does, such as ``gave the run no id``.
    """
    login = f"is the token in {TOKEN} still good" if cluster.token else f"is a login in front of it (set {TOKEN})"
    return KubeflowError(
        f"{cluster.endpoint}: is no API of Kubeflow Pipelines, it {found}: {login}, and is the URL the right one?"
    )


def _refusal(cluster: Cluster, error: Any) -> KubeflowError:
    said = _said(error)
    if error.status == 401:
        told = f"the token in {TOKEN} is refused" if cluster.token else f"asks for a token: set {TOKEN}"
        return KubeflowError(f"{cluster.endpoint}: {told} (401 Unauthorized)")
    if error.status == 403:
        return KubeflowError(f"{cluster.endpoint}: this token may not do that (403 Forbidden): {said}")
    if error.status == 404:
        return KubeflowError(f"{cluster.endpoint}: not found (404): {said}; is it Kubeflow Pipelines' API, version 2?")
    kind = KubeflowAway if not error.status or error.status >= 500 else KubeflowError
    return kind(f"{cluster.endpoint}: answers {error.status} {error.reason}: {said}")


def _away(cluster: Cluster, error: BaseException) -> str:
    reason = getattr(error, "reason", None) or error
    connect_s, answer_s = cluster.timeouts_s
    # In urllib3 a refused connection is a kind of time-out.
    refused = isinstance(reason, urllib3.exceptions.NewConnectionError)
    if isinstance(reason, urllib3.exceptions.ConnectTimeoutError) and not refused:
        return f"cannot be reached within {connect_s:g} s"
    if isinstance(reason, urllib3.exceptions.ReadTimeoutError):
        return f"did not answer within {answer_s:g} s"
    text = " ".join(str(reason).split())
    return f"cannot be reached: {text.rsplit('>: ', 1)[-1]}"


def _said(error: Any) -> str:
    """The message in an answer, which is JSON where Kubeflow Pipelines itself answered."""
    try:
        body = json.loads(error.body)
        return str(body.get("message") or body.get("error") or body)[:300]
    except (AttributeError, TypeError, ValueError):
        return " ".join(str(error.body or "no more was said").split())[:200]
