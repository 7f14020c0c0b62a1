import io
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audio import ogg


def test_every_page_of_a_whole_file_is_right(recordings: dict[str, Path]) -> None:
    for suffix in ("ogg", "opus"):
        content = recordings[suffix].read_bytes()
        assert ogg.walk(io.BytesIO(content)) == ogg.Pages(pages=content.count(b"OggS"), broken_offset=None, links=1)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 0.9999), flip=st.integers(1, 255))
def test_one_changed_byte_is_found(share: float, flip: int, recordings: dict[str, Path]) -> None:
    content = bytearray(recordings["ogg"].read_bytes())
    at = int(share * len(content))
    content[at] ^= flip
    broken = ogg.walk(io.BytesIO(content)).broken_offset
    assert broken is not None
    assert broken <= at < broken + 65_400


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0.001, 0.999))
def test_a_cut_between_pages_alone_goes_unseen(share: float, recordings: dict[str, Path]) -> None:
    content = recordings["opus"].read_bytes()
    at = max(round(share * len(content)), 1)
    begins_a_page = content[at : at + 4] == b"OggS"
    assert (ogg.walk(io.BytesIO(content[:at])).broken_offset is None) == begins_a_page


def test_a_missing_page_is_found(recordings: dict[str, Path]) -> None:
    content = recordings["ogg"].read_bytes()
    begins = [at for at in range(len(content)) if content.startswith(b"OggS", at)]
    without = content[: begins[3]] + content[begins[4] :]
    assert ogg.walk(io.BytesIO(without)).broken_offset == begins[3]


def test_rubbish_is_no_page() -> None:
    assert ogg.walk(io.BytesIO(b"\0" * 100)) == ogg.Pages(pages=0, broken_offset=None, links=0)
