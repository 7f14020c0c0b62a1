"""The processes that make recordings: how they start, and what is said if one of them is killed."""

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.process import BaseProcess

from threadpoolctl import threadpool_limits

from catalog.errors import WorkerKilledError


@contextmanager
def worker_pool(workers: int, start: Callable[[], None]) -> Iterator[ProcessPoolExecutor]:
    """Processes, started by spawn, that end with the block; what has not begun by then is not done.

    Parameters
    ----------
    workers : how many
    start : what each does first

    Raises
    ------
    WorkerKilledError
        One of them was ended from outside.
    """
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=start)
    try:
        yield pool
    except BrokenProcessPool as error:
        raise WorkerKilledError from error
    finally:
        pool.shutdown(cancel_futures=True)


def start_worker() -> None:
    """One thread for linear algebra, and an end when the parent ends."""
    threadpool_limits(1)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)
