"""A model under a strategy: its optimizer, its training step and its predictions, each one compiled function.

The step is the same on any number of replicas: losses are summed over the global batch and divided by its size,
gradients are summed over replicas and then clipped. Dropout alone is drawn by every replica for itself.
"""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from trainers.learner import Arrays, Judge, Learner, Tensors
from trainers.task import Hyperparameters

RANDOM_STATE = "seed_generator_state"
_FINAL_RATE = 0.01


class _SummedGradientsAdamW(keras.optimizers.AdamW):
    """AdamW that takes gradients already summed over replicas, since they are clipped after the sum, not before."""

    def _all_reduce_sum_gradients(self, grads_and_vars: list) -> list:  # type: ignore[type-arg]
        return grads_and_vars


def make_optimizer(hyperparameters: Hyperparameters) -> keras.optimizers.Optimizer:
    """AdamW (Loshchilov & Hutter 2019) under a linear warm-up and a cosine to one percent; biases and norms do not
    decay.
    """
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if hyperparameters.warmup_steps else hyperparameters.learning_rate,
        decay_steps=max(1, hyperparameters.steps - hyperparameters.warmup_steps),
        alpha=_FINAL_RATE,
        warmup_target=hyperparameters.learning_rate if hyperparameters.warmup_steps else None,
        warmup_steps=hyperparameters.warmup_steps,
    )
    optimizer = _SummedGradientsAdamW(schedule, weight_decay=hyperparameters.weight_decay, name="adamw")
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def build_model(learner: Learner, *, mixed_precision: bool = False) -> keras.Model:
    """The learner's model, computing in bfloat16 if asked (its range is float32's, so no loss scaling is needed)."""
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16" if mixed_precision else "float32")
    try:
        return learner.build()
    finally:
        keras.config.set_dtype_policy(policy)


def names_of(variables: list[keras.Variable]) -> list[str]:
    """Paths of variables; states of random numbers, whose paths Keras counts up in a process, are numbered in their
    order instead.

    Raises
    ------
    ValueError
        Two variables share a path: layers need names of their own.
    """
    random = [variable.path for variable in variables if variable.path.endswith(RANDOM_STATE)]
    paths = [variable.path for variable in variables]
    names = [f"{RANDOM_STATE}_{random.index(path)}" if path in random else path for path in paths]
    if len(set(names)) < len(names):
        raise ValueError(f"variables share a path: {sorted({name for name in names if names.count(name) > 1})}")
    return names


def get_variables(variables: list[keras.Variable]) -> Arrays:
    """Values by name."""
    values = [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]
    return dict(zip(names_of(variables), values, strict=True))


def set_variables(variables: list[keras.Variable], values: Arrays) -> None:
    """Assign values by name; each variable needs one."""
    for name, variable in zip(names_of(variables), variables, strict=True):
        variable.assign(values[name])


def _call(model: keras.Model, batch: Tensors, training: bool) -> Tensors:
    outputs = model({name: batch[name] for name in model.input}, training=training)
    return {name: tf.cast(output, tf.float32) for name, output in outputs.items()}


@dataclass(frozen=True)
class Trainee:
    """A model and its optimizer under a strategy, with their two compiled functions.

    Attributes
    ----------
    step : distributed batch -> loss of the global batch; changes the variables
    predict : distributed batch -> outputs of the global batch, or what the learner keeps of them; the same on every
        worker
    """

    model: keras.Model
    optimizer: keras.optimizers.Optimizer
    step: Callable[[Tensors], tf.Tensor]
    predict: Callable[[Tensors], Tensors]

    @property
    def variables(self) -> list[keras.Variable]:
        """Everything that a restart must find again."""
        return [*self.model.variables, *self.optimizer.variables]


def make_trainee(learner: Learner, hyperparameters: Hyperparameters, strategy: tf.distribute.Strategy) -> Trainee:
    """Build model and optimizer on the strategy's devices."""
    with strategy.scope():
        model = build_model(learner, mixed_precision=hyperparameters.mixed_precision)
        optimizer = make_optimizer(hyperparameters)
        optimizer.build(model.trainable_variables)

    def replica_step(batch: Tensors) -> tf.Tensor:
        variables = model.trainable_variables
        with tf.GradientTape() as tape:
            losses = learner.loss(batch, _call(model, batch, training=True))
            loss = tf.reduce_sum(losses) / hyperparameters.batch_size
        gradients = [tf.convert_to_tensor(g) for g in tape.gradient(loss, [variable.value for variable in variables])]
        gradients = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, gradients)
        gradients, _ = tf.clip_by_global_norm(gradients, hyperparameters.clip_norm)
        optimizer.apply(gradients, variables)
        return loss

    @tf.function
    def step(batch: Tensors) -> tf.Tensor:
        return strategy.reduce(tf.distribute.ReduceOp.SUM, strategy.run(replica_step, args=(batch,)), axis=None)

    def replica_predict(batch: Tensors) -> Tensors:
        outputs = _call(model, batch, training=False)
        return learner.judge(batch, outputs) if isinstance(learner, Judge) else outputs

    @tf.function
    def predict(batch: Tensors) -> Tensors:
        outputs = strategy.run(replica_predict, args=(batch,))
        return {name: strategy.gather(output, axis=0) for name, output in outputs.items()}

    return Trainee(model, optimizer, step, predict)
