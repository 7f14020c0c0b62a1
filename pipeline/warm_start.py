"""Turns a wish for a warm start into something fixed when the run is triggered, so that a repeated run stays cached."""

from catalog.served import newest_version, versions
from pipeline.settings import Settings, SettingsError
from trainers.task import TASKS, load_task

FRESH = "none"


def resolve_warm_start(settings: Settings) -> str:
    """``none``, the name of published weights, or the path of the served version that `settings` ask for.

    Raises
    ------
    SettingsError
        If the version is not in the served folder, or the task has no published weights to start from.
    DaCapoError
        If the package with the published weights is not installed.
    """
    wanted = settings.warm_start
    if wanted == FRESH:
        return wanted
    published = load_task(settings.task).published_weights
    if wanted in published:
        published[wanted]()
        return wanted
    for other in TASKS:
        if wanted in load_task(other).published_weights:
            raise SettingsError(f"warm_start={wanted!r} is for the task {other}, not for {settings.task}")
    if wanted == "latest":
        return str(newest_version(settings.served) or FRESH)
    served = {version.name: version for version in versions(settings.served)}
    if wanted not in served:
        known = ", ".join(served) or "none is served yet"
        words = ", ".join((FRESH, "latest", *published))
        raise SettingsError(f"warm_start={wanted!r} is not {words} or a version in {settings.served} ({known})")
    return str(served[wanted])
