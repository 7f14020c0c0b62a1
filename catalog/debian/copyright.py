"""Who holds a file of a package and under which licence: Debian's machine-readable ``copyright`` (DEP-5)."""

import re
from dataclasses import dataclass

AUDIO_SUFFIXES = (".ogg", ".oga", ".opus", ".mp3", ".flac", ".wav")
MAX_CHARACTERS = 4 << 20
MAX_STARS = 3  # of one pattern: more would let a hostile file keep the matcher busy for ever

_YEARS = re.compile(r"^(©|\(c\)|copyright|\d{4}|[-–,\s])+", re.IGNORECASE)
_CONTACT = re.compile(r"\s*[<(].*")


@dataclass(frozen=True)
class _Stanza:
    files: re.Pattern[str]
    catch_all: bool
    names_files: bool
    licence: str | None
    holders: tuple[str, ...]


class Copyright:
    """A parsed ``copyright`` file; one that is not machine-readable answers None to everything."""

    def __init__(self, text: str) -> None:
        text = text[:MAX_CHARACTERS]
        stanzas = [_fields(block) for block in re.split(r"\n[ \t]*\n", text)]
        machine_readable = bool(stanzas) and "format" in stanzas[0]
        self._stanzas = [_stanza(fields) for fields in stanzas if machine_readable and "files" in fields]

    @property
    def package_licence(self) -> str | None:
        """Short name of the licence of whatever has none of its own."""
        return next((stanza.licence for stanza in self._stanzas if stanza.catch_all), None)

    def licence(self, path: str) -> str | None:
        """Short name of the licence that is given for the file at `path`, a path as installed."""
        stanza = self._of(path)
        return stanza.licence if stanza else None

    def holder(self, path: str) -> str | None:
        """The one holder of the file at `path`, without years and address; None if none or several are named."""
        stanza = self._of(path)
        return stanza.holders[0] if stanza and stanza.names_files and len(stanza.holders) == 1 else None

    def _of(self, path: str) -> _Stanza | None:
        """The last stanza that fits, as the format has it, the catch-all aside."""
        stanza = next((stanza for stanza in reversed(self._stanzas) if stanza.files.fullmatch(path)), None)
        return None if stanza is None or stanza.catch_all else stanza


def _fields(block: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    name = ""
    for line in block.splitlines():
        if line[:1] in (" ", "\t"):
            fields[name] = f"{fields.get(name, '')}\n{line.strip()}"
        elif ":" in line:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            fields[name] = value.strip()
    return fields


def _stanza(fields: dict[str, str]) -> _Stanza:
    patterns = [pattern.removeprefix("./") for pattern in fields["files"].split()]
    holders = [_CONTACT.sub("", _YEARS.sub("", line)).strip() for line in fields.get("copyright", "").splitlines()]
    usable = [pattern for pattern in patterns if pattern.count("*") <= MAX_STARS]
    # Files of a source package are installed elsewhere, often without the top folder (data, share, base) of the source.
    shorter = [
        rest for pattern in usable if "/" in (rest := pattern.partition("/")[2]) or rest.endswith(AUDIO_SUFFIXES)
    ]
    expression = "|".join(re.escape(name).replace(r"\*", ".*").replace(r"\?", ".") for name in usable + shorter)
    return _Stanza(
        re.compile(f"(?:.*/)?(?:{expression or '(?!)'})", re.DOTALL),
        patterns == ["*"],
        not any(pattern.endswith("*") for pattern in patterns),
        fields.get("license", "").partition("\n")[0].strip() or None,
        tuple(holder for holder in holders if holder),
    )
