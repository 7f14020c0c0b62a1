"""What the libraries say: errors alone, or everything. They read it when they are loaded, and processes inherit it."""

import logging
import os
import warnings

ENVIRONMENT = {
    "TF_ENABLE_ONEDNN_OPTS": "1",
    "KERAS_BACKEND": "tensorflow",
    "UNSUPPORTED_DO_NOT_PACKAGE_USER_MODULES": "1",  # no pip here; import paths do
}
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "GRPC_VERBOSITY": "ERROR"}
VERBOSE = {"TF_CPP_MIN_LOG_LEVEL": "0", "GRPC_VERBOSITY": "INFO", "PYTHONWARNINGS": "default"}


def hush() -> None:
    """Sets the environment of every command: TensorFlow and gRPC say errors alone, Python warns of nothing."""
    for name, value in (ENVIRONMENT | QUIET).items():
        os.environ.setdefault(name, value)
    warnings.filterwarnings("ignore")


def speak_up() -> None:
    """Takes `hush` back: TensorFlow, gRPC, Beam and TFX say what they have to say, from INFO on, and Python warns."""
    os.environ.update(VERBOSE)
    warnings.simplefilter("default")
    logging.basicConfig(level=logging.INFO)
