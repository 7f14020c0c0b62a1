"""Decoding with libsndfile: wav, flac, mp3, ogg/vorbis, opus, aiff, caf and a dozen others."""

import io
import os
from os import PathLike

import numpy as np
import soundfile

from audio import integrity, mpeg
from audio.bounds import LIMITS, AudioInfo, Limits, check_readable, open_regular
from audio.errors import AudioError, naming

SYSTEM_ERROR, MALFORMED = 2, 3  # libsndfile's error codes
UNKNOWN_FRAMES = (1 << 63) - 1  # libsndfile's SF_COUNT_MAX: the header does not say
# How many samples a channel a decode may fall short of its header: decoders drop the encoder's start-up and padding, of
# which not every header tells. One MPEG frame, one long Vorbis block, one Opus packet; nothing where samples are
# stored.
TOLERANCE_FRAMES = {"mp3": 1152, "ogg": 8192}
FLOAT_SUBTYPES = ("FLOAT", "DOUBLE", "VORBIS", "OPUS")


class NotAudio(AudioError):
    """libsndfile does not know the format; another decoder might."""


def _reason(error: soundfile.LibsndfileError) -> str:
    return error.error_string.removeprefix("Error : ").strip().rstrip(".")


def _blame(path: str | PathLike[str], error: soundfile.LibsndfileError) -> None:
    """Leaves what is the disk's fault to an OSError; libsndfile calls it and a file's seeking past its end the same."""
    if error.code == SYSTEM_ERROR:
        check_readable(path)


class _ForwardFile(soundfile.SoundFile):
    """Reads forward only: soundfile seeks after every read otherwise, which is slow and fails at a header that lies."""

    def seekable(self) -> bool:
        return False


class _Joined(io.RawIOBase):
    """A file whose first bytes are replaced: ``head`` stands in for everything before ``start``."""

    def __init__(self, file: io.BufferedReader, start: int, head: bytes) -> None:
        self._file, self._shift, self._head, self._at = file, start - len(head), head, 0
        self._size = file.seek(0, io.SEEK_END) - self._shift

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]
        if self._at < len(self._head):
            part = self._head[self._at : self._at + len(buffer)]
            buffer[: len(part)] = part
            count = len(part)
        else:
            self._file.seek(self._at + self._shift)
            count = self._file.readinto(buffer)
        self._at += count
        return count


class SndfileSource:
    """An open file of a format that libsndfile knows.

    Attributes
    ----------
    info : what the file promises.
    tolerance_frames : samples a channel that its decode may fall short of that.
    may_hold_nan : whether decoded samples can be NaN or infinite.
    """

    def __init__(self, path: str | PathLike[str], limits: Limits = LIMITS, *, thorough: bool = True) -> None:
        self.path = path
        self._raw = os.fdopen(open_regular(path, limits), "rb")
        try:
            self._open(limits, thorough)
        except BaseException:
            self._raw.close()
            raise

    def _open(self, limits: Limits, thorough: bool) -> None:
        with naming(self.path):
            found = integrity.inspect(self.path, self._raw, thorough=thorough)
        target: int | _Joined = self._rewound()
        if found is not None and found.recount:
            target = _Joined(self._raw, found.stream.audio, mpeg.counted_header(found.stream))
        try:
            self._file = _ForwardFile(target, closefd=False)
        except soundfile.LibsndfileError as error:
            _blame(self.path, error)
            if error.code in (SYSTEM_ERROR, MALFORMED):
                raise AudioError(self.path, f"is damaged: {_reason(error)}") from None
            raise NotAudio(self.path, f"is not audio that libsndfile reads ({_reason(error)})") from None
        container = self._file.format.lower()
        size, frames = os.fstat(self._raw.fileno()).st_size, self._file.frames
        rate = max(self._file.samplerate, 1)
        integrity.check_log(self.path, self._file.extra_info, frames, rate)
        if container == "mp3":
            if found is None:
                raise AudioError(self.path, "is damaged at its beginning, or an mp3 of free format")
            if found.stream.promised_frames is None and not found.recount:  # layers I and II
                frames = (found.stream.frames or 0) * found.stream.frame.samples
        if frames == UNKNOWN_FRAMES:
            frames = self._count(limits)
        integrity.check_claim(self.path, container, frames, rate, size)
        self.info = AudioInfo(rate, self._file.channels, frames, frames / rate, container)
        self.tolerance_frames = TOLERANCE_FRAMES.get(container, 0)
        self._position_s = 0.0
        self.may_hold_nan = self._file.subtype in FLOAT_SUBTYPES

    def _count(self, limits: Limits) -> int:
        """Frames of a file whose header does not say (a FLAC written to a pipe), by decoding it once: all of them, or
        enough to be too many.
        """
        most = limits.max_duration_s * self._file.samplerate
        block, total = np.empty((1 << 16, self._file.channels), np.float32), 0
        try:
            while total <= most and (count := len(self._file.read(out=block))):
                total += count
        except soundfile.LibsndfileError as error:
            _blame(self.path, error)
            raise AudioError(self.path, f"is damaged after {total} samples: {_reason(error)}") from None
        self._file.close()
        self._file = _ForwardFile(self._rewound(), closefd=False)
        return total

    def _rewound(self) -> int:
        """The descriptor at the file's start, past Python's buffer: libsndfile takes its position for the beginning."""
        os.lseek(self._raw.fileno(), 0, os.SEEK_SET)
        return self._raw.fileno()

    def seek(self, frame: int) -> None:
        """Go to a sample."""
        try:
            self._file.seek(frame)
            self._position_s = frame / self.info.sample_rate
        except soundfile.LibsndfileError as error:
            _blame(self.path, error)
            raise AudioError(self.path, f"cannot be read from sample {frame} on ({_reason(error)})") from None

    def read(self, frames: int) -> np.ndarray:
        """The next samples, at most ``frames``: np.ndarray [samples, channels], float32; none at the end."""
        block = np.empty((frames, self.info.channels), np.float32)
        try:
            block = self._file.read(out=block)
            self._position_s += len(block) / self.info.sample_rate
            return block
        except soundfile.LibsndfileError as error:
            _blame(self.path, error)
            raise AudioError(self.path, f"is damaged after {self._position_s:.1f} s: {_reason(error)}") from None

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        self._raw.close()
