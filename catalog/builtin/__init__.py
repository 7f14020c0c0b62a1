"""The built-in library: synthetic music, made by this package from a seed. No person sings or plays in it.

It exists so that everything else can be tried and tested without a download: songs of 10 to 30 s with chords, drums,
bass, lead instruments and a singing voice with lyrics and word times, as separate stems. Whatever is measured on it
says nothing about real recordings and is to be captioned with `SYNTHETIC`.

The path of a song: `plan` deals tags and artists, `composition` writes a `score` from `theory`, `rhythms`,
`arrangement`, `lyrics` and `melody`; `song` plays it with `instruments`, `drums`, `voice` and `ambience`, `mixing`
finishes it, and `library` writes it all down.
"""

from catalog.builtin.library import SYNTHETIC, build_builtin

__all__ = ["SYNTHETIC", "build_builtin"]
