import subprocess
import sys


def test_only_the_tensorflow_twin_imports_tensorflow() -> None:
    modules = "audio.files, audio.descriptors, audio.spectra_np"
    code = f"import sys, {modules}; print(sorted({{'tensorflow', 'tfx', 'keras'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_reading_files_imports_neither_librosa_nor_scipy() -> None:
    code = "import sys, audio.files; print(sorted({'librosa', 'scipy', 'pyloudnorm'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
