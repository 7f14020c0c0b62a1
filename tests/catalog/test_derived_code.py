"""What bytes are made by: all code of ours that makes and writes them."""

import pytest

from catalog.derived import code


@pytest.mark.parametrize(
    ("package", "maker"), [("catalog.noise", "audio.noises.chain"), ("catalog.damage", "audio.damage.hum")]
)
def test_reading_resampling_and_writing_belong_to_it_and_other_catalogs_do_not(package: str, maker: str) -> None:
    modules = code.modules_of(package)
    assert {maker, f"{package}.excerpt", "audio.files", "audio.resampling", "audio.pcm", "audio.writing"} <= set(
        modules
    )
    assert not [name for name in modules if name.startswith("catalog.") and not name.startswith(package)]
    assert not [name for name in modules if name.startswith("audio.descriptors")]


def test_hashes_are_stable_and_tell_packages_apart() -> None:
    hashes = [code.code_of(package) for package in ("catalog.noise", "catalog.damage", "catalog.noise")]
    assert hashes[0] == hashes[2] != hashes[1]
