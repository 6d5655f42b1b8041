"""Arrays from files that may be damaged, or come from strangers."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path

from seqgan_cli.lazy import np

LARGEST = 4 << 30  # bytes, all of a file's together: a small file can claim to hold any number


class ArraysError(ValueError):
    """The file is damaged or not what it should be; the message says why."""


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an `.npz` by name, each as long as the file says it is. What would have to be unpickled is refused.

    Raises OSError if it cannot be read, and ArraysError, with the reason in words, if it is damaged or no `.npz`.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if (size := sum(member.file_size for member in members)) > LARGEST:
                raise ArraysError(f"it claims {size >> 30} GB of arrays, of which {LARGEST >> 30} are read")
            for member in members:
                _check_member(archive, member)
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except ArraysError:
        raise
    except Exception as error:  # zipfile, zlib and NumPy notice damage in many places and ways
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise ArraysError("it is damaged or no .npz") from None


def _check_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Raises ArraysError unless the array's header tells of as many bytes as there are."""
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read_header(file)
        if dtype.hasobject:
            raise ArraysError("it holds pickled Python objects, which are refused")
        if math.prod(shape) * dtype.itemsize != member.file_size - file.tell():
            raise ArraysError(f"it is damaged: {member.filename} is of another size than it says")
