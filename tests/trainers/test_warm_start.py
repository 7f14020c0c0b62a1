"""A training that starts from an exported model keeps what every output has learnt, wherever its column stands."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest

from audio.errors import DaCapoError
from trainers.checkpoints import write_arrays
from trainers.export import FACTS, WEIGHTS
from trainers.layers import GlobalBatchNorm
from trainers.warm_start import start_from

OLD = ("rock", "jazz", "sea")
HEADS = ("tags/kernel", "tags/bias")
X = np.random.default_rng(0).standard_normal((5, 4)).astype(np.float32)


def model(tags: tuple[str, ...], *, seed: int, units: int = 6) -> keras.Model:
    """A tiny tagger, all of whose weights are random."""
    inputs = keras.Input((4,))
    x = GlobalBatchNorm(0.9, "norm")(keras.layers.Dense(units, activation="relu", name="hidden")(inputs))
    x = keras.layers.Dropout(0.2, seed=seed, name="dropout")(x)
    made = keras.Model(inputs, keras.layers.Dense(len(tags), name="tags")(x))
    rng = np.random.default_rng(seed)
    for weight in made.weights:
        weight.assign(rng.uniform(0.1, 1, weight.shape))
    return made


def logits(tagger: keras.Model, tags: tuple[str, ...]) -> dict[str, np.ndarray]:
    return dict(zip(tags, tagger(X).numpy().T, strict=True))


@pytest.fixture
def old() -> keras.Model:
    return model(OLD, seed=1)


@pytest.fixture
def exported(tmp_path: Path, old: keras.Model) -> str:
    (tmp_path / FACTS[0]).mkdir()
    tmp_path.joinpath(*FACTS).write_text(json.dumps({"vocabulary": OLD}), encoding="utf-8")
    weights = {v.path: keras.ops.convert_to_numpy(v) for v in old.variables if "seed_generator" not in v.path}
    write_arrays(str(tmp_path.joinpath(*WEIGHTS)), weights, {})
    return str(tmp_path)


@pytest.mark.parametrize(
    "tags",
    [
        OLD,
        ("sea", "rock", "jazz"),
        ("rock", "sea"),
        ("blues", "rock", "jazz", "night", "sea"),
        ("night", "sea", "rock"),
        ("blues", "night", "rain"),
    ],
    ids=["the same", "reordered", "one removed", "two added", "one replaced and reordered", "all others"],
)
def test_kept_tags_answer_as_before_and_new_ones_keep_their_fresh_columns(
    exported: str, old: keras.Model, tags: tuple[str, ...]
) -> None:
    new = model(tags, seed=2)
    fresh = new.get_layer("tags").get_weights()
    added = start_from(new, exported, outputs=tags, output_variables=HEADS)
    assert added == tuple(tag for tag in tags if tag not in OLD)
    before, after = logits(old, OLD), logits(new, tags)
    for column, tag in enumerate(tags):
        if tag in OLD:
            np.testing.assert_allclose(after[tag], before[tag], rtol=1e-6, err_msg=tag)
        else:
            for value, first in zip(new.get_layer("tags").get_weights(), fresh, strict=True):
                np.testing.assert_array_equal(value[..., column], first[..., column], err_msg=tag)


def test_another_architecture_is_one_line_that_names_the_variable(exported: str) -> None:
    with pytest.raises(
        DaCapoError,
        match=r"^warm_start=\S+: hidden/kernel has shape \(4, 6\) there and shape \(4, 7\) here; .*"
        r"earlier version of Da Capo may differ: start once with --warm-start none$",
    ):
        start_from(model(OLD, seed=2, units=7), exported, outputs=OLD, output_variables=HEADS)


def test_a_folder_without_a_model_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DaCapoError, match=r"holds no model of Da Capo \(assets\.extra/weights\.npz is missing\)"):
        start_from(model(OLD, seed=2), str(tmp_path), outputs=OLD, output_variables=HEADS)
