"""How a process of a pool that makes recordings starts."""

import multiprocessing
import os
import threading
from multiprocessing.process import BaseProcess

from threadpoolctl import threadpool_limits


def start_worker() -> None:
    """One thread for linear algebra, and an end when the parent ends."""
    threadpool_limits(1)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)
