"""Turns a wish for a warm start into something fixed when the run is triggered, so that a repeated run stays cached."""

from components.pusher import versions
from pipeline.settings import Settings, SettingsError
from trainers.tagging.published import MUSICNN, published_checkpoints

FRESH = "none"


def resolve_warm_start(settings: Settings) -> str:
    """``none``, ``musicnn``, or the path of the served version that `settings` ask for.

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
    if wanted == MUSICNN:
        if settings.task != "tagging":
            raise SettingsError(f"warm_start={wanted!r} is for the task tagging, not for {settings.task}")
        published_checkpoints()
        return wanted
    served = versions(settings.served)
    if wanted == "latest":
        return str(settings.served / str(served[-1])) if served else FRESH
    if not wanted.isdigit() or int(wanted) not in served:
        known = ", ".join(map(str, served)) or "none is served yet"
        raise SettingsError(
            f"warm_start={wanted!r} is not none, latest, musicnn or a version in {settings.served} ({known})"
        )
    return str(settings.served / wanted)
