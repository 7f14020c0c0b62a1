"""`run_fn` end to end on a tiny library."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.trainers.tiny_library import Library, raw_example
from trainers.export import WEIGHTS
from trainers.run import run_fn


@pytest.mark.e2e
def test_run_fn_exports_a_model_that_tags_raw_examples(library: Library, tmp_path: Path) -> None:
    arguments = library.fn_args(tmp_path)
    run_fn(arguments)
    model = tf.saved_model.load(arguments.serving_model_dir)
    examples = [raw_example(made) for made in library.recordings["validation"]]
    answer = model.signatures["evaluate"](examples=tf.constant(examples))
    assert answer["probabilities"].shape == (16, 4)
    assert np.all(np.isfinite(answer["probabilities"]))


@pytest.mark.e2e
def test_two_trainings_from_scratch_give_equal_weights(library: Library, tmp_path: Path) -> None:
    exports = [library.fn_args(tmp_path / name) for name in ("one", "two")]
    for arguments in exports:
        run_fn(arguments)
    first, second = (np.load(Path(arguments.serving_model_dir, *WEIGHTS)) for arguments in exports)
    assert first.files == second.files
    for name in first.files:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)
