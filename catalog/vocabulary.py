"""The tags that a model learns, from ``schemas/<task>/<library>/tags.yaml``.

Conventions
-----------
A tag is a string, or ``{name: pop/piano, parent: pop}``; ``pop/piano`` alone has the parent ``pop``. Two levels: a
parent has no parent. The order of the file is the order of the labels. Tags under ``ignored`` may stand in a catalog
and teach nothing.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from catalog.errors import CatalogError
from catalog.recording import normalise_tag
from catalog.yaml_text import NotYaml, read_yaml

MAX_BYTES = 1 << 20

_Tag = Annotated[str, AfterValidator(normalise_tag)]


@dataclass(frozen=True)
class Vocabulary:
    """Tags in the order of the labels.

    Attributes
    ----------
    tags : every tag, parents and children.
    parents : child to parent, for tags of level 2.
    ignored : tags that a catalog may hold and that are not learnt.
    """

    tags: tuple[str, ...] = ()
    parents: Mapping[str, str] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.tags) | frozenset(self.ignored)

    def expand(self, tags: Iterable[str]) -> tuple[str, ...]:
        """Those of `tags` that are learnt, with their parents, in the order of the vocabulary."""
        present = set(tags)
        present.update([self.parents[tag] for tag in present if tag in self.parents])
        return tuple(tag for tag in self.tags if tag in present)

    def multi_hot(self, tags: Iterable[str]) -> list[int]:
        """Labels `[len(self.tags)]` of 0 and 1 for a recording with `tags`; a child sets its parent as well."""
        present = frozenset(self.expand(tags))
        return [int(tag in present) for tag in self.tags]

    def unknown(self, tags: Iterable[str]) -> tuple[str, ...]:
        """Those of `tags` that are neither learnt nor ignored."""
        return tuple(tag for tag in tags if tag not in self._known)


class _TagEntry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: _Tag
    parent: _Tag | None = None


class _VocabularyFile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    tags: tuple[_Tag | _TagEntry, ...] = ()
    ignored: tuple[_Tag, ...] = ()


def load_vocabulary(path: str | os.PathLike[str]) -> Vocabulary:
    """The vocabulary in the YAML file at `path`.

    Raises
    ------
    CatalogError
        If the file is missing, is not YAML of the form above, names a tag twice, or a parent is missing or a child.
    """
    file = Path(path)
    try:
        if file.stat().st_size > MAX_BYTES:
            raise CatalogError(f"{file}: is larger than {MAX_BYTES} bytes")
        content = read_yaml(file.read_text(encoding="utf-8"))
        parsed = _VocabularyFile.model_validate({} if content is None else content)
    except OSError as error:
        raise CatalogError(f"{file}: cannot be read: {error.strerror}") from error
    except (NotYaml, UnicodeDecodeError) as error:
        raise CatalogError(f"{file}: is not YAML: {error}") from error
    except ValidationError as error:
        raise CatalogError(f"{file}: {_first_line(error)}") from error
    entries = [_TagEntry(name=entry) if isinstance(entry, str) else entry for entry in parsed.tags]
    tags = tuple(entry.name for entry in entries)
    parents = {entry.name: parent for entry in entries if (parent := entry.parent or _parent_in_name(entry.name))}
    for number, tag in enumerate(tags):
        if tag in tags[:number] or tag in parsed.ignored:
            raise CatalogError(f'{file}: tag "{tag}" stands there twice')
    for child, parent in parents.items():
        if parent not in tags:
            raise CatalogError(f'{file}: parent "{parent}" of tag "{child}" is not among the tags')
        if parent in parents:
            raise CatalogError(
                f'{file}: parent "{parent}" of tag "{child}" has a parent itself: two levels are all there are'
            )
    return Vocabulary(tags, parents, parsed.ignored)


def _parent_in_name(tag: str) -> str | None:
    return tag.rpartition("/")[0] or None


def _first_line(error: ValidationError) -> str:
    detail = error.errors(include_url=False)[0]
    parts = [str(part) for part in detail["loc"]]
    place = ".".join(part for part in parts if not part.startswith(("function-", "_Tag"))) or "the file"
    return f"{place}: {str(detail['input'])[:80]!r} {detail['msg'].removeprefix('Value error, ').lower()}"
