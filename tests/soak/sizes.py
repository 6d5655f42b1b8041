"""Files larger than most, and samples without end: the most memory a process takes for them."""

import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

LINES, LONG_LINE, SAMPLES = 1_000_000, 100_000_000, (100_000, 1_000_000)
MOST = 2000.0  # MB


def words() -> list[str]:
    draw = random.Random(1)
    return ["".join(draw.choices("abcdefghijklmnop", k=draw.randint(2, 8))) for _ in range(5000)]


def lines_file(path: Path) -> Path:
    draw, known = random.Random(2), words()
    with path.open("w", encoding="utf-8") as file:
        file.writelines(" ".join(draw.choices(known, k=12)) + "\n" for _ in range(LINES))
    return path


def line_file(path: Path) -> Path:
    """One line of that many bytes among others."""
    draw, known, written = random.Random(3), words(), 0

    def sentences() -> Iterator[str]:
        nonlocal written
        while written < LONG_LINE:
            sentence = " ".join(draw.choices(known, k=2000)) + ". "
            written += len(sentence)
            yield sentence

    with path.open("w", encoding="utf-8") as file:
        file.write("a b c\n" * 20)
        file.writelines(sentences())
        file.write("\n")
    return path


# What getrusage has begins with the memory of the process that started this one; the kernel's own mark does not.
TOLD = """
import sys
from pathlib import Path
from seqgan_cli.cli import main
try:
    main(sys.argv[1:])
finally:
    lines = Path("/proc/self/status").read_text().splitlines()
    print(next(line.split()[1] for line in lines if line.startswith("VmHWM:")), file=sys.stderr)
"""


def peak(*arguments: object) -> float:
    """The most memory, in MB, that the command line takes with these arguments; its output is thrown away."""
    command = [sys.executable, "-c", TOLD, *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"seqgan {' '.join(map(str, arguments))} failed: {done.stderr}")
    return int(done.stderr.split()[-1]) / (1 << 10)


def sizes(folder: Path) -> dict[str, float]:
    """Peaks in MB, by what was done."""
    split = ("--overlong", "split", "--max-length", 32)
    lines, line, run = lines_file(folder / "lines.txt"), line_file(folder / "line.txt"), folder / "run"
    found = {
        f"{LINES:,} lines of 12 words": peak("corpus", lines),
        f"a line of {LONG_LINE // 1_000_000} MB, words": peak("corpus", line, *split),
        f"a line of {LONG_LINE // 1_000_000} MB, characters": peak("corpus", line, *split, "--tokenizer", "chars"),
    }
    peak("pretrain-g", "--run", run, "--preset", "quick", "--epochs", 1, "-q")
    for number in SAMPLES:
        found[f"{number:,} samples"] = peak("sample", "--run", run, "-n", number)
    return found


def failures(found: dict[str, float]) -> list[str]:
    """What takes too much, or more for more samples."""
    wrong = [f"{what} took {size:.0f} MB" for what, size in found.items() if size > MOST]
    few, many = (found[f"{number:,} samples"] for number in SAMPLES)
    return wrong + ([f"{SAMPLES[1]:,} samples took {many:.0f} MB, {SAMPLES[0]:,} took {few:.0f}"] if many > 1.05 * few else [])


