"""Numbers as a page shows them; what is not known is a dash."""

import math

UNKNOWN = "–"
MINUS = "−"
ACRONYMS = frozenset({"auc", "roc", "sdr", "si", "snr"})


def count(value: float) -> str:
    """A number of things: ``12,480``."""
    return f"{value:,.0f}"


def number(value: float) -> str:
    """A measured value, four significant digits: ``−16.02``; from a thousand on whole: ``22,050``."""
    if not math.isfinite(value):
        return UNKNOWN if math.isnan(value) else ("∞" if value > 0 else f"{MINUS}∞")
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return text.replace("-", MINUS)


def fixed(value: float | None) -> str:
    """A metric, three decimals: ``0.892``."""
    return UNKNOWN if value is None or math.isnan(value) else f"{value:.3f}".replace("-", MINUS)


def signed(value: float | None) -> str:
    """A difference, three decimals and its sign: ``+0.135``."""
    return UNKNOWN if value is None or math.isnan(value) else f"{value:+.3f}".replace("-", MINUS)


def share(value: float) -> str:
    """A share in percent: 0.1234 is ``12.3 %``."""
    return UNKNOWN if math.isnan(value) else f"{100 * value:.1f} %"


def duration(seconds: float) -> str:
    """Seconds as ``45 s``, ``12 min`` or ``3.4 h``."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def words(name: str) -> str:
    """The name of a metric or a split unit as a person writes it: ``roc_auc`` is ``ROC AUC``."""
    return " ".join(word.upper() if word in ACRONYMS else word for word in name.split("_"))
