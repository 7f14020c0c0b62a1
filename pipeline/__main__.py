"""``python -m pipeline``: the command line, with the environment that TensorFlow reads when it is loaded."""

import io
import sys

from pipeline.chatter import hush


def main() -> None:
    """Runs the command line."""
    hush()

    from pipeline.console import ESCAPED
    from pipeline.main import app

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=ESCAPED)
    app(prog_name="dacapo")


if __name__ == "__main__":
    main()
