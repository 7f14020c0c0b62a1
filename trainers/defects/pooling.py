"""From frame probabilities to one of the recording, for labels that say what a recording has and not where.

Conventions
-----------
``p`` is [b, frames, classes] in (0, 1), the mask [b, frames] is 1 where a frame holds audio; frames without are as if
they were not there. Every pool answers ``P`` [b, classes], between the least and the largest ``p`` of its class.

* ``max``, ``mean``;
* ``linear_softmax``: ``sum p^2 / sum p`` (Wang, Li, Metze 2019);
* ``attention``: weights are a softmax over time of scores of their own (Kong, Xu, Wang, Plumbley 2018);
* ``autopool`` (McFee, Salamon, Bello 2018): ``w = softmax_t(a p)``, ``P = sum_t w p`` with an exponent ``a`` learnt a
  class: 0 is the mean, 1 a softmax, infinity the maximum. ``constrained_autopool`` keeps ``0 <= a <= ln(N - 1)``, where
  a lone active frame among N counts one half; ``regularised_autopool`` pays for the squares of the exponents. They
  start at twice that bound, the constrained one just below it, where the published ones start at 1: a recording with
  one click then is one with a click, and frames around it are not taught to say so too.

All frames start near one small ``p``, where an autopool weighs them alike: it pushes every frame of a recording with a
click, and a network that remembers may settle on saying so all the time. Weights in proportion to ``p`` favour from the
start what stands out, and push frames below ``P / 2`` down.
"""

import math

import keras
from keras import ops

AUTOPOOLS = ("autopool", "constrained_autopool", "regularised_autopool")
_OUT = -1e9
_STEP = 10.0
_LOGIT_AT_FIRST = 3.0
_TINY = 1e-7


def lone_frame_exponent(frames: int) -> float:
    """The exponent at which a lone frame of 1 among `frames` counts one half: ``ln(N - 1)``."""
    return math.log(max(frames - 1, 2))


def weighted(p: keras.KerasTensor, scores: keras.KerasTensor, mask: keras.KerasTensor) -> keras.KerasTensor:
    """``sum_t softmax_t(scores) p``: p and scores [b, frames, classes], mask [b, frames], to [b, classes]."""
    scores = ops.where(mask[:, :, None] > 0, scores, _OUT)
    return ops.sum(ops.softmax(scores, axis=1) * p, axis=1)


def autopool(p: keras.KerasTensor, exponents: keras.KerasTensor, mask: keras.KerasTensor) -> keras.KerasTensor:
    """McFee's autopool with `exponents` [classes]."""
    return weighted(p, exponents * p, mask)


def mean_pool(p: keras.KerasTensor, mask: keras.KerasTensor) -> keras.KerasTensor:
    """The mean over frames that hold audio."""
    return ops.sum(p * mask[:, :, None], axis=1) / ops.sum(mask, axis=1)[:, None]


def max_pool(p: keras.KerasTensor, mask: keras.KerasTensor) -> keras.KerasTensor:
    """The largest of the frames that hold audio."""
    return ops.max(p * mask[:, :, None], axis=1)


def linear_softmax(p: keras.KerasTensor, mask: keras.KerasTensor) -> keras.KerasTensor:
    """``sum p^2 / sum p`` over frames that hold audio."""
    p = p * mask[:, :, None]
    return ops.sum(ops.square(p), axis=1) / (ops.sum(p, axis=1) + _TINY)


class Pool(keras.layers.Layer):
    """One of the pools above, with what it learns.

    Parameters
    ----------
    kind : its name
    frames : of a training segment; bounds the constrained exponent
    """

    def __init__(self, kind: str, frames: int, name: str) -> None:
        super().__init__(name=name, dtype="float32")
        self.kind = kind
        self.most = lone_frame_exponent(frames)

    def build(self, p_shape: tuple, scores_shape: tuple, valid_shape: tuple) -> None:
        """Make the exponents, [classes], kept a tenth as large as they act: a step of Adam moves all weights alike.
        The constrained ones are kept as the logit of their share of the bound, where a clip would have no gradient.
        """
        if self.kind in AUTOPOOLS:
            start = _LOGIT_AT_FIRST if self.kind == "constrained_autopool" else 2.0 * self.most / _STEP
            start = keras.initializers.Constant(start)
            self.exponent = self.add_weight(name="exponent", shape=(p_shape[-1],), initializer=start)

    def exponents(self) -> keras.KerasTensor:
        """The exponents in force, [classes]."""
        exponent = ops.convert_to_tensor(self.exponent)
        return self.most * ops.sigmoid(exponent) if self.kind == "constrained_autopool" else exponent * _STEP

    def call(
        self, p: keras.KerasTensor, scores: keras.KerasTensor, valid: keras.KerasTensor
    ) -> dict[str, keras.KerasTensor]:
        """Pool over time.

        Parameters
        ----------
        p : [b, frames, classes], probabilities
        scores : [b, frames, classes], of the attention; the other pools do not read them
        valid : [b, frames], the mask (Keras keeps the word for masks of its own)

        Returns
        -------
        ``pooled`` [b, classes] and ``exponents`` [b, classes], 0 where there are none
        """
        exponents = ops.zeros_like(p[:, 0])
        if self.kind == "max":
            pooled = max_pool(p, valid)
        elif self.kind == "mean":
            pooled = mean_pool(p, valid)
        elif self.kind == "linear_softmax":
            pooled = linear_softmax(p, valid)
        elif self.kind == "attention":
            pooled = weighted(p, scores, valid)
        else:
            pooled = autopool(p, self.exponents(), valid)
            exponents = exponents + self.exponents()
        return {"pooled": pooled, "exponents": exponents}

    def compute_output_shape(self, p_shape: tuple, scores_shape: tuple, valid_shape: tuple) -> dict[str, tuple]:
        """Without the frames."""
        shape = (p_shape[0], p_shape[2])
        return {"pooled": shape, "exponents": shape}
