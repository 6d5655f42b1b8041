"""One reader under a coverage-guided fuzzer: `python fuzz.py READER FOLDER -runs=N …`, with libFuzzer's options.

An input that ends in anything but a result or a refusal in words, takes over two seconds or over 2 GB is left in FOLDER.
"""

import sys
import tempfile
from pathlib import Path

import atheris

sys.path[:0] = [str(Path(__file__).parents[1])]
GUIDING = ["seqgan_cli", "readers", "mido", "tomllib"]  # what is looked into for new ways through
with atheris.instrument_imports(include=GUIDING):
    import readers

    KNOWN = readers.readers()


def main() -> None:
    name, folder, *options = sys.argv[1:]
    reader = KNOWN[name]
    begin = Path(folder) / "begin"
    begin.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(reader.seeds):
        (begin / str(number)).write_bytes(seed)
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as place:
        with atheris.instrument_imports(include=GUIDING):  # what is imported on the way
            for seed in reader.seeds:
                readers.read(reader, seed, Path(place))

        def one(content: bytes) -> None:
            readers.read(reader, content, Path(place))

        limits = ["-timeout=2", "-rss_limit_mb=2048", "-max_len=20000", f"-artifact_prefix={folder}/found-"]
        atheris.Setup([sys.argv[0], str(begin), *limits, *options], one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
