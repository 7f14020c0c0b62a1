"""Decoding with the ffmpeg program: what libsndfile does not know (m4a, wma, webm...), where ffmpeg is on PATH.

The program sees a hostile file, so it gets little room: no shell, an absolute path behind ``file:`` that no option can
hide in, no protocol but local files, no playlist formats that name other files, one audio stream, and a bound on
duration and on silence. It stops at the first error, so that a damaged file is an error and not a shorter recording.
"""

import os
import re
import select
import shutil
import struct
import subprocess
import tempfile
from os import PathLike
from typing import IO

import numpy as np

from audio.bounds import LIMITS, AudioInfo, Limits, check, check_readable, open_regular
from audio.errors import AudioError

READ_BYTES = 1 << 20
LOG_BYTES = 1 << 16
STALL_S = 60.0  # the longest that ffmpeg may work without giving a byte
DEMUXERS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dsf,dts,eac3,flac,flv,g722,gsm,loas,matroska,mlp,mov,mp3,mpc,mpc8,mpeg,"
    "mpegts,ogg,rm,shn,tak,truehd,tta,w64,wav,webm,wv,xwma"
)
# Formats whose files say how long they are; of the others ffmpeg only estimates it, and the decode is not held
# against it.
EXACT = ("ape", "asf", "caf", "matroska", "mov", "mpc8", "tak", "tta", "wv")
TOLERANCE_S = 0.1  # two AAC frames of priming at 44.1 kHz, and containers that round to milliseconds
AU_HEADER = struct.Struct(">4sIIIII")
FLOAT32 = 6
_DURATION = re.compile(rb"Duration: (\d+):(\d\d):(\d\d(?:\.\d+)?)")
_INPUT = re.compile(rb"Input #0, ([\w,]+), from")
_OPENING = re.compile(rb"Error opening input(?: files)?: (.*)")
_RELEASE = re.compile(rb"ffmpeg version n?(\d+\.\d+)")
NO_STREAM = b"matches no streams"


def find_ffmpeg() -> str | None:
    """The path of the ffmpeg program, or None."""
    return shutil.which("ffmpeg")


def ffmpeg_release() -> str | None:
    """The release of the ffmpeg that is on PATH, such as ``7.1``; None without one.

    The third number is left out: it stands for mended bugs, and comes with every update of a system. Of a program that
    does not say its release only that it is there is known.
    """
    program = find_ffmpeg()
    if program is None:
        return None
    try:
        done = subprocess.run([program, "-version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=STALL_S)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    found = _RELEASE.match(done.stdout)
    return found[1].decode() if found else "unknown"


class FfmpegSource:
    """An open file that ffmpeg decodes; see `audio.sndfile.SndfileSource` for the attributes.

    Parameters
    ----------
    stream : which audio stream of the file; stem files hold several

    Raises
    ------
    AudioError
        ffmpeg is missing, finds no audio in the file, or fails.
    OSError
        The file's bytes cannot be read.
    """

    may_hold_nan = True

    def __init__(self, path: str | PathLike[str], limits: Limits = LIMITS, *, stream: int = 0) -> None:
        self.path, self.stream = path, stream
        os.close(open_regular(path, limits))
        with _Program(path, ["-t", "0", "-c:a", "pcm_f32be", "-f", "au", "pipe:1"], stream) as program:
            header = program.read(AU_HEADER.size)
            status, log = program.finish(), program.log()
        if status or len(header) < AU_HEADER.size:
            check_readable(path)
            failure = _OPENING.search(log)
            reason = failure[1].decode("utf-8", "replace") if failure else "its audio cannot be decoded"
            if NO_STREAM in log:
                reason = f"it has no audio stream {stream}" if stream else "it has no audio stream"
            raise AudioError(path, f"is not audio that libsndfile or ffmpeg reads ({reason})")
        _, _, _, _, rate, channels = AU_HEADER.unpack(header)
        check(path, AudioInfo(rate, channels, 1, 0.0, ""), limits)
        self._output = ["-t", f"{limits.max_duration_s + 1:.0f}", "-ar", f"{rate}", "-ac", f"{channels}"]
        self._output += ["-c:a", "pcm_f32le", "-f", "f32le", "pipe:1"]
        self._sample_rate, self._frame_bytes, self._bytes = rate, 4 * channels, 0
        container, duration = _INPUT.search(log), _DURATION.search(log)
        name = container[1].decode().split(",")[0] if container else "unknown"
        self.tolerance_frames = 0
        if duration and name in EXACT:
            hours, minutes, seconds = (float(part) for part in duration.groups())
            frames = round((3600 * hours + 60 * minutes + seconds) * rate)
            self.tolerance_frames = round(TOLERANCE_S * rate)
        else:
            frames = self._count()
        self.info = AudioInfo(rate, channels, frames, frames / rate, name)
        self._program: _Program | None = None

    def _count(self) -> int:
        """Frames of a file that does not say, by decoding it once."""
        total = 0
        with _Program(self.path, self._output, self.stream) as program:
            while data := program.read(READ_BYTES):
                total += len(data)
            self._check_end(program, total)
        return total // self._frame_bytes

    def _check_end(self, program: "_Program", decoded_bytes: int) -> None:
        if program.finish():
            check_readable(self.path)
            second = decoded_bytes / self._frame_bytes / self._sample_rate
            raise AudioError(self.path, f"is damaged: ffmpeg gave up after {second:.1f} s")

    def seek(self, frame: int) -> None:
        """Go to a sample, by decoding up to it: ffmpeg's own seeking is exact in some formats only."""
        while frame > 0 and (skipped := len(self.read(min(frame, READ_BYTES // self._frame_bytes)))):
            frame -= skipped

    def read(self, frames: int) -> np.ndarray:
        """The next samples, at most ``frames``: np.ndarray [samples, channels], float32; none at the end."""
        if self._program is None:
            self._program = _Program(self.path, self._output, self.stream)
        data = self._program.read(frames * self._frame_bytes)
        self._bytes += len(data)
        if len(data) < frames * self._frame_bytes:
            self._check_end(self._program, self._bytes)
        whole = len(data) // self._frame_bytes * self._frame_bytes
        return np.frombuffer(data[:whole], "<f4").reshape(-1, self.info.channels)

    def close(self) -> None:
        """End ffmpeg if it still runs."""
        if self._program is not None:
            self._program.close()


class _Program:
    """One run of ffmpeg on one file, read from its standard output."""

    def __init__(self, path: str | PathLike[str], output: list[str], stream: int) -> None:
        program = find_ffmpeg()
        if program is None:
            raise AudioError(path, "needs ffmpeg, which is not on PATH")
        command = [program, "-hide_banner", "-nostdin", "-nostats", "-xerror", "-threads", "1"]
        command += ["-protocol_whitelist", "file", "-format_whitelist", DEMUXERS, "-i", f"file:{os.path.abspath(path)}"]
        command += ["-map", f"0:a:{stream}", "-map_metadata", "-1", "-bitexact", *output]
        self._path = path
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  (closed in close)
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._log, close_fds=True
        )
        assert self._process.stdout is not None
        self._pipe = self._process.stdout.fileno()

    def __enter__(self) -> "_Program":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes; fewer only at the end."""
        data = bytearray()
        while len(data) < size:
            if not select.select([self._pipe], [], [], STALL_S)[0]:
                raise AudioError(self._path, f"was given up: ffmpeg gave nothing for {STALL_S:.0f} s")
            part = os.read(self._pipe, min(size - len(data), READ_BYTES))
            if not part:
                break
            data += part
        return bytes(data)

    def finish(self) -> int:
        """Wait for the end and return the exit status."""
        try:
            return self._process.wait(STALL_S)
        except subprocess.TimeoutExpired:
            raise AudioError(self._path, f"was given up: ffmpeg did not end in {STALL_S:.0f} s") from None

    def log(self) -> bytes:
        """The beginning of what ffmpeg wrote to its standard error."""
        self._log.seek(0)
        return self._log.read(LOG_BYTES)

    def close(self) -> None:
        """End the program if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process.wait()
        self._log.close()
