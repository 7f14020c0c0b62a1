"""What the pages of the tagging benchmarks share: which recordings were judged, their licences, the tables."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.past_runs import PastRun
from benchmarks.recordings import Recording, read_split
from benchmarks.report import Table
from benchmarks.scores import METRICS, Judged
from catalog import recording as catalog_recording
from catalog.format import open_catalog


class Survey:
    """What is kept of the recordings of a split while they pass by; audio is not."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.artists: list[str] = []
        self.packages: Counter[str] = Counter()
        self.labels: list[np.ndarray] = []
        self.serialized: list[bytes] = []
        self.heard_s = self.whole_s = 0.0

    @classmethod
    def joined(cls, surveys: Iterable["Survey"]) -> "Survey":
        """Several as one, in their order."""
        whole = cls()
        for survey in surveys:
            whole.ids += survey.ids
            whole.artists += survey.artists
            whole.packages += survey.packages
            whole.labels += survey.labels
            whole.serialized += survey.serialized
            whole.heard_s += survey.heard_s
            whole.whole_s += survey.whole_s
        return whole

    def watch(self, past: PastRun, split: str) -> Iterator[Recording]:
        """The recordings of a split, noted as they pass."""
        for recording in read_split(past.examples, split, past.spec):
            self.ids.append(recording.id)
            self.artists.append(recording.artist)
            self.packages[recording.package] += 1
            self.labels.append(recording.labels)
            self.heard_s += len(recording.waveform) / past.spec.sample_rate
            self.whole_s += recording.duration_s
            if split == "eval":
                self.serialized += recording.serialized
            yield recording


def licences(catalog: Path, surveys: Iterable[Survey]) -> str:
    """A sentence on the licences of the recordings; empty where there is no such catalog."""
    if not catalog.is_file():
        return ""
    used = {recording_id for survey in surveys for recording_id in survey.ids}
    rows = (
        row for row in open_catalog(catalog).rows() if isinstance(row, catalog_recording.Recording) and row.id in used
    )
    counts = Counter(row.licence or "licence not stated" for row in rows)
    return f"Licences: {', '.join(f'{licence} ({count})' for licence, count in counts.most_common())}."


def library_kind(library: str, surveys: Iterable[Survey]) -> str:
    """The library, and from how many packages its recordings are."""
    packages = {package for survey in surveys for package in survey.packages if package}
    kind = {"builtin": "synthetic recordings", "debian": "real recordings"}.get(library, "recordings")
    return f"Library {library}: {kind} from {len(packages)} packages"


def cluster_note(cluster: str, resamples: int, judged: str) -> str:
    """A sentence on the intervals.

    Parameters
    ----------
    cluster : what the bootstrap draws, ``artist`` or ``recording``
    judged : whose samples it draws
    """
    return (
        f"Intervals: 95 %, percentile bootstrap, {resamples} samples of {judged} that draw {cluster}s with replacement"
        + (
            " (recordings of an artist are no independent evidence: single recordings give narrower, wrong bounds)."
            if cluster == "artist"
            else "."
        )
    )


def tables(
    results: Sequence[Judged], tags: tuple[str, ...], labels: np.ndarray, artists: Sequence[str], caption: str
) -> list[Table]:
    """Macro averages, paired differences of the first system and the others, and every tag.

    Parameters
    ----------
    results : ours, then the peers
    labels : np.ndarray [recordings, tags], bool, of the judged recordings
    artists : of the judged recordings
    caption : the protocol
    """
    numbers = range(len(METRICS))
    ours, *peers = results
    tagged: dict[int, set[str]] = defaultdict(set)
    for tag in range(len(tags)):
        tagged[tag] = {artist for artist, has in zip(artists, labels[:, tag], strict=True) if has}
    macro = [[result.name, *(str(result.macro(n)) for n in numbers)] for result in results]
    paired = [[f"ours - {peer.name}", *(ours.minus(peer, n).signed() for n in numbers)] for peer in peers]
    each = [
        [f"{tag} ({labels[:, n].sum()} of {len(tagged[n])} artists), {r.name}", *(str(r.of_tag(n, m)) for m in numbers)]
        for n, tag in enumerate(tags)
        for r in results
    ]
    return [
        Table("Macro averages", ["system", *METRICS], macro, caption),
        Table(
            "Paired differences of the macro averages",
            ["difference", *METRICS],
            paired,
            "On the same bootstrap samples.",
        ),
        Table(
            "Per tag",
            ["tag (judged recordings with it), system", *METRICS],
            each,
            "The protocol is that of the macro averages.",
        ),
    ]
