"""The facts of a 64-bit little-endian ELF shared object that decide whether a system's libraries satisfy it.

A symbol that an object takes from another is bound to a *version* of one library ("strtol of libc.so.6, GLIBC_2.38").
The loader refuses an object when a library lacks one of the versions it needs, unless that need carries the weak flag.
Structures: System V gABI chapters 4 and 5; Linux Standard Base Core 5.0, section 10.7 "Symbol Versioning".
"""

import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

MAGIC = b"\x7fELF\x02\x01"  # ELF, 64 bit, little-endian
SECTION_HEADER = struct.Struct(
    "<IIQQQQIIQQ"
)  # Elf64_Shdr: name type flags addr offset size link info addralign entsize
DYNAMIC = struct.Struct("<QQ")  # Elf64_Dyn: tag value
SYMBOL = struct.Struct("<IBBHQQ")  # Elf64_Sym: name info other section value size
VERSION_NEED = struct.Struct("<HHIII")  # Elf64_Verneed: version count file aux next
VERSION_NEED_AUX = struct.Struct("<IHHII")  # Elf64_Vernaux: hash flags index name next
VERSION_DEFINITION = struct.Struct("<HHHHIII")  # Elf64_Verdef: version flags index count hash aux next
VERSION_DEFINITION_AUX = struct.Struct("<II")  # Elf64_Verdaux: name next

SHT_DYNAMIC, SHT_DYNSYM = 6, 11
SHT_GNU_VERDEF, SHT_GNU_VERNEED, SHT_GNU_VERSYM = 0x6FFFFFFD, 0x6FFFFFFE, 0x6FFFFFFF
DT_NULL, DT_NEEDED, DT_SONAME = 0, 1, 14
SHN_UNDEF = 0
STB_LOCAL, STB_WEAK = 0, 2
VER_FLG_WEAK = 2
VERSYM_INDEX = 0x7FFF  # the highest bit of a version index marks a hidden symbol
FLAGS_IN_NEED_AUX = 4  # byte offset of Vernaux.flags


@dataclass(frozen=True)
class NeededVersion:
    """A version that an object needs of a library.

    Attributes
    ----------
    index : what the object's symbols name it by.
    weak : whether the loader goes on without it.
    flags_offset : where its flags lie in the file, in bytes.
    """

    library: str
    version: str
    index: int
    weak: bool
    flags_offset: int


@dataclass(frozen=True)
class DynamicSymbol:
    """A name that an object gives to (`defined`) or takes from others; `version_index` 0 or 1 means unversioned."""

    name: str
    defined: bool
    weak: bool
    version_index: int


@dataclass(frozen=True)
class Section:
    """Where a section lies in the file (bytes), the section of its strings, and its extra number (count of entries)."""

    kind: int
    offset: int
    size: int
    link: int
    info: int


class SharedObject:
    """Reads the dynamic symbols, versions and libraries of the shared object at `path`.

    Raises
    ------
    ValueError
        If the file is not a 64-bit little-endian ELF file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as file:
            header = file.read(64)
            if len(header) < 64 or not header.startswith(MAGIC):
                raise ValueError(f"{path}: not a 64-bit little-endian ELF file")
            (table,) = struct.unpack_from("<Q", header, 0x28)
            entry_size, count = struct.unpack_from("<HH", header, 0x3A)
            file.seek(table)
            headers = file.read(entry_size * count)
        fields = (SECTION_HEADER.unpack_from(headers, i * entry_size) for i in range(count))
        self.sections = tuple(Section(f[1], f[4], f[5], f[6], f[7]) for f in fields)

    @property
    def soname(self) -> str | None:
        """The name that other objects need this library by."""
        return next(self._dynamic_strings(DT_SONAME), None)

    @property
    def needed_libraries(self) -> tuple[str, ...]:
        """Libraries that the loader loads with this object, in search order."""
        return tuple(self._dynamic_strings(DT_NEEDED))

    @cached_property
    def needed_versions(self) -> tuple[NeededVersion, ...]:
        """Versions that this object needs, by library."""
        section = self._section(SHT_GNU_VERNEED)
        if section is None:
            return ()
        data, needs, at = self._read(section), [], 0
        for _ in range(section.info):
            _, count, library, aux, following = VERSION_NEED.unpack_from(data, at)
            aux_at = at + aux
            for _ in range(count):
                _, flags, index, name, aux_following = VERSION_NEED_AUX.unpack_from(data, aux_at)
                offset = section.offset + aux_at + FLAGS_IN_NEED_AUX
                weak = bool(flags & VER_FLG_WEAK)
                needs.append(NeededVersion(self._string(library), self._string(name), index, weak, offset))
                aux_at += aux_following
            at += following
        return tuple(needs)

    @cached_property
    def defined_versions(self) -> frozenset[str]:
        """Versions that this library offers (its own name, the base version, is among them)."""
        section = self._section(SHT_GNU_VERDEF)
        if section is None:
            return frozenset()
        data, versions, at = self._read(section), set(), 0
        for _ in range(section.info):
            *_, aux, following = VERSION_DEFINITION.unpack_from(data, at)
            name, _ = VERSION_DEFINITION_AUX.unpack_from(data, at + aux)
            versions.add(self._string(name))
            at += following
        return frozenset(versions)

    @cached_property
    def symbols(self) -> tuple[DynamicSymbol, ...]:
        """Dynamic symbols other than local ones."""
        section, versions = self._section(SHT_DYNSYM), self._section(SHT_GNU_VERSYM)
        if section is None:
            return ()
        entries = tuple(SYMBOL.iter_unpack(self._read(section)))
        indices = struct.unpack(f"<{len(entries)}H", self._read(versions)) if versions else (0,) * len(entries)
        return tuple(
            DynamicSymbol(self._string(name), home != SHN_UNDEF, info >> 4 == STB_WEAK, index & VERSYM_INDEX)
            for (name, info, _, home, _, _), index in zip(entries, indices, strict=True)
            if info >> 4 != STB_LOCAL
        )

    def _section(self, kind: int) -> Section | None:
        return next((s for s in self.sections if s.kind == kind), None)

    def _read(self, section: Section) -> bytes:
        with self.path.open("rb") as file:
            file.seek(section.offset)
            return file.read(section.size)

    @cached_property
    def _strings(self) -> bytes:
        """The string table that all dynamic sections share."""
        dynamic = self._section(SHT_DYNAMIC)
        return self._read(self.sections[dynamic.link]) if dynamic else b""

    def _string(self, offset: int) -> str:
        return self._strings[offset : self._strings.index(0, offset)].decode()

    def _dynamic_strings(self, wanted: int) -> Iterator[str]:
        section = self._section(SHT_DYNAMIC)
        for tag, value in DYNAMIC.iter_unpack(self._read(section)) if section else ():
            if tag == DT_NULL:
                return
            if tag == wanted:
                yield self._string(value)


def weaken(path: Path, versions: Collection[tuple[str, str]]) -> None:
    """Sets, in place, the weak flag on the needed `versions` (library, version) of the object at `path`.

    The loader then no longer refuses the object over them (glibc ``elf/dl-version.c``, ``match_symbol``); the symbols
    bound to them are looked up as before, and an *unversioned* definition in any loaded library satisfies them.
    """
    needs = [need for need in SharedObject(path).needed_versions if (need.library, need.version) in versions]
    with path.open("r+b") as file:
        for need in needs:
            file.seek(need.flags_offset)
            (flags,) = struct.unpack("<H", file.read(2))
            file.seek(need.flags_offset)
            file.write(struct.pack("<H", flags | VER_FLG_WEAK))
