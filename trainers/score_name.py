"""How the ``evaluate`` signature of a task that answers scores of its audio calls them."""


def score_name(output: str, metric: str) -> str:
    """``<output>.<metric>``, such as ``vocals.si_sdr``: a float32 [b] output, one number a recording."""
    return f"{output}.{metric}"
