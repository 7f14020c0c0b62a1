"""What names the data of a training: the files as they are, and not where they lie alone."""

import os
from pathlib import Path

from trainers.data_stamps import data_stamps


def test_other_data_in_the_same_place_has_other_stamps(tmp_path: Path) -> None:
    """As after the metadata were removed, which count their executions from 1 again."""
    shard, graph = tmp_path / "examples" / "shard-0.gz", tmp_path / "graph" / "1" / "saved_model.pb"
    for path in (shard, graph):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"one")
    patterns = [str(tmp_path / "examples" / "*")]
    before = data_stamps(patterns, str(tmp_path / "graph"))
    assert len(before) == 2
    assert data_stamps(patterns, str(tmp_path / "graph")) == before
    for path in (shard, graph):
        changed = path.stat().st_mtime_ns + 1_000_000_000
        path.write_bytes(b"two")
        os.utime(path, ns=(changed, changed))
        after = data_stamps(patterns, str(tmp_path / "graph"))
        assert after != before
        before = after
