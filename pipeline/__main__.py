"""``python -m pipeline``: the command line, with the environment that TensorFlow reads when it is loaded."""

import os
import warnings

QUIET = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "1",
    "KERAS_BACKEND": "tensorflow",
    "GRPC_VERBOSITY": "ERROR",
    "UNSUPPORTED_DO_NOT_PACKAGE_USER_MODULES": "1",  # no pip here; import paths do
}


def main() -> None:
    """Runs the command line."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    warnings.filterwarnings("ignore")

    from pipeline.main import app

    app(prog_name="dacapo")


if __name__ == "__main__":
    main()
