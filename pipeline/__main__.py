"""``python -m pipeline``: the command line, with the environment that TensorFlow reads when it is loaded."""

from pipeline.chatter import hush


def main() -> None:
    """Runs the command line."""
    hush()

    from pipeline.main import app

    app(prog_name="dacapo")


if __name__ == "__main__":
    main()
