"""Turns a wish for a warm start into something fixed when the run is triggered, so that a repeated run stays cached."""

from components.pusher import versions
from pipeline.settings import Settings, SettingsError

FRESH = "none"


def resolve_warm_start(settings: Settings) -> str:
    """``none``, or the path of the served version that `settings` ask for.

    Raises
    ------
    SettingsError
        If the version is not in the served folder.
    """
    wanted = settings.warm_start
    if wanted == FRESH:
        return wanted
    served = versions(settings.served)
    if wanted == "latest":
        return str(settings.served / str(served[-1])) if served else FRESH
    if not wanted.isdigit() or int(wanted) not in served:
        known = ", ".join(map(str, served)) or "none is served yet"
        raise SettingsError(f"warm_start={wanted!r} is not none, latest or a version in {settings.served} ({known})")
    return str(settings.served / wanted)
