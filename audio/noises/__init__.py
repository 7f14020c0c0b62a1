"""Noises that recordings carry, made by formulas: one module a kind.

Conventions
-----------
A maker takes a number of samples, a rate in Hz and a generator, and gives mono noise, np.ndarray [samples], float32, of
unit root mean square: how loud it is under the music is for who mixes. `chain` is no maker: what a recording chain adds
depends on what goes through it.
"""

from collections.abc import Callable, Mapping

import numpy as np

from audio.noises import background, clicks, crackle, hiss, hum

Maker = Callable[[int, int, np.random.Generator], np.ndarray]

MAKERS: Mapping[str, Maker] = {
    hiss.NAME: hiss.make_hiss,
    hum.NAME: hum.make_hum,
    crackle.NAME: crackle.make_crackle,
    clicks.NAME: clicks.make_clicks,
    background.NAME: background.make_background,
}
