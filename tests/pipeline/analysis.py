"""TFMA at work on small models, for tests of what the gate asks."""

import json
from collections.abc import Sequence
from pathlib import Path

import tensorflow as tf
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import config_pb2

from pipeline.evaluation import Evaluation, read_evaluation


def analyse(
    folder: Path, data: Path, config: config_pb2.EvalConfig, models: Sequence[tf.Module], facts: dict | None = None
) -> Evaluation:
    """What is read of TFMA's evaluation, which agrees with TFMA on whether the model passes.

    Parameters
    ----------
    folder : new; models and results go there
    data : a TFRecord file of Examples
    config : names the models, in order
    models : each with an ``evaluate``
    facts : that exported models carry beside their weights
    """
    shared = []
    for spec, model in zip(config.model_specs, models, strict=True):
        path = folder / spec.name
        tf.saved_model.save(model, str(path), signatures={"evaluate": model.evaluate})
        if facts is not None:
            (path / "assets.extra").mkdir()
            (path / "assets.extra" / "dacapo.json").write_text(json.dumps(facts))
        shared.append(
            tfma.default_eval_shared_model(str(path), model_name=spec.name, eval_config=config, tags=["serve"])
        )
    tfma.run_model_analysis(
        eval_shared_model=shared if len(shared) > 1 else shared[0],
        eval_config=config,
        data_location=str(data),
        output_path=str(folder / "evaluation"),
    )
    found = read_evaluation(folder / "evaluation")
    assert found.verdict.blessed == (not found.verdict.failures())
    return found
