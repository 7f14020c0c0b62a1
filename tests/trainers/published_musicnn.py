"""musicnn's published graph, and music for it to hear."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from audio.spectra import log_mel
from tests.trainers.tiny_library import RATE
from trainers.learner import Arrays
from trainers.tagging.musicnn import PATCH_FRAMES
from trainers.tagging.published import published_checkpoints


def published_answers(checkpoint: str, patches: np.ndarray, tensors: dict[str, str]) -> Arrays:
    """What the graph that was published says in some of its tensors, each [patches, numbers], run as TensorFlow 1 ran
    it; its gradients, which no newer TensorFlow reads, are left out.
    """
    folder = f"{published_checkpoints()}/{checkpoint}/"
    meta = tf.compat.v1.MetaGraphDef.FromString(Path(folder, ".meta").read_bytes())
    wanted = [name.partition(":")[0] for name in tensors.values()] + [meta.saver_def.restore_op_name]
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tf.import_graph_def(tf.compat.v1.graph_util.extract_sub_graph(meta.graph_def, wanted), name="")
        session.run(meta.saver_def.restore_op_name, {meta.saver_def.filename_tensor_name: folder})
        inputs = {node.name: node for node in meta.graph_def.node if node.op == "Placeholder"}
        kinds = {name: node.attr["dtype"].type for name, node in inputs.items() if name.startswith("model/")}
        (training,) = [name for name, kind in kinds.items() if kind == tf.bool.as_datatype_enum]
        spectrum = "model/Placeholder_1" if training == "model/Placeholder" else "model/Placeholder"
        answers = session.run(tensors, {f"{spectrum}:0": patches, f"{training}:0": False})
    return {name: answer.reshape(len(patches), -1) for name, answer in answers.items()}


def music(count: int) -> np.ndarray:
    """Log-mel patches of chords with pulses in noise, [count, 187, 96]."""
    rng, time_s = np.random.default_rng(0), np.arange(PATCH_FRAMES * 256) / RATE
    waves = []
    for _ in range(count):
        pitches = rng.uniform(100, 3000, (4, 1))
        pulse = 0.5 + 0.5 * np.sign(np.sin(2 * np.pi * rng.uniform(1, 8) * time_s))
        chord = np.sum(np.sin(2 * np.pi * pitches * time_s) / np.arange(1, 5)[:, np.newaxis], axis=0)
        waves.append(0.2 * chord * pulse + 0.02 * rng.standard_normal(len(time_s)))
    return log_mel(tf.constant(np.array(waves, np.float32))).numpy()[:, :PATCH_FRAMES]
