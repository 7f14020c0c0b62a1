"""Where training runs: one device, several of this machine, or several machines."""

import tensorflow as tf

from audio.errors import DaCapoError

KINDS = ("auto", "one_device", "mirrored", "multi_worker")


def _workers() -> int:
    """Workers that ``TF_CONFIG`` names, the chief among them; 0 without one."""
    cluster = tf.distribute.cluster_resolver.TFConfigClusterResolver().cluster_spec().as_dict()
    return len(cluster.get("worker", [])) + len(cluster.get("chief", []))


def make_strategy(kind: str = "auto") -> tf.distribute.Strategy:
    """The distribution strategy called `kind`.

    Call it before any other TensorFlow operation of the process: collective operations between machines are set up at
    start.

    Parameters
    ----------
    kind : ``one_device`` (the first GPU, else the CPU), ``mirrored`` (all GPUs, else all logical CPUs, of this
        machine), ``multi_worker``
        (every worker in ``TF_CONFIG``), or ``auto``: ``multi_worker`` where ``TF_CONFIG`` names several workers, else
        ``mirrored`` where there are several GPUs, else ``one_device``.

    Raises
    ------
    DaCapoError
        Unknown kind, or ``multi_worker`` without a ``TF_CONFIG`` that names workers.
    """
    if kind not in KINDS:
        raise DaCapoError(f"strategy={kind!r} is not one of {', '.join(KINDS)}")
    workers = _workers()
    if kind == "multi_worker" and workers == 0:
        raise DaCapoError("strategy='multi_worker' needs TF_CONFIG with the addresses of the workers")
    if kind == "multi_worker" or (kind == "auto" and workers > 1):
        return tf.distribute.MultiWorkerMirroredStrategy()
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    if kind == "mirrored" or (kind == "auto" and devices[0].device_type == "GPU" and len(devices) > 1):
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    return tf.distribute.OneDeviceStrategy(devices[0].name)


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process writes checkpoints, logs and the exported model: the chief, else worker 0, else the only
    one.
    """
    resolver = strategy.cluster_resolver
    if resolver is None or not resolver.cluster_spec().as_dict():
        return True
    if "chief" in resolver.cluster_spec().as_dict():
        return bool(resolver.task_type == "chief")
    return bool(resolver.task_type == "worker" and resolver.task_id == 0)
