"""A data set as a scanner leaves it: real DICOM and NIfTI files, some big volumes, and names that make trouble."""

from __future__ import annotations

import importlib.util
import random
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path

from stager_sandbox.demo.errors import DemoError

_SOURCES = {"pydicom": "data", "nibabel": "**/data"}
"""Packages that ship real files, and the folders in them."""
_VOLUMES = {
    "nifti/sub-001/anat/sub-001_T1w.nii": (128, 128, 64),
    "nifti/sub-001/func/sub-001_task-rest_bold.nii": (160, 160, 80),
    "nifti/sub-002/anat/sub-002_T1w.nii": (192, 192, 96),
    "nifti/sub-002/func/sub-002_task-rest_bold.nii": (500, 500, 400),
}
"""Made on the spot: 2, 4, 7 and 200 MB."""
_NAMES = (
    "it's here.txt",
    'a "quoted" name & <tag>.txt',
    "brackets [1] (2) {3}*?.txt",
    "-rf",
    ".hidden",
    "per%20cent #1.txt",
    "Größe-日本語-🧠.txt",
    "back`tick$HOME;semi.txt",
    "n" * 200 + ".txt",
)
_SLAB = 1 << 20


def make_sample_data(folder: Path) -> None:
    """Fill a folder with some 300 files, nested, of nothing to 200 MB; the same ones each time.

    Raises:
        DemoError: A package that ships real files isn't installed.
    """
    for package, pattern in _SOURCES.items():
        for source, target in _real_files(package, pattern):
            destination = folder / "dicom" / target if package == "pydicom" else folder / "formats" / target
            destination.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, destination)
    noise = random.Random(3010000)  # noqa: S311 - to fill volumes with, the same each time
    for name, shape in _VOLUMES.items():
        _make_volume(folder / name, shape, noise)
    odd = folder / "odd names" / "sub folder's"
    odd.mkdir(parents=True, exist_ok=True)
    for name in _NAMES:
        (odd / name).write_text(f"{name}\n", encoding="utf-8")
    (folder / "empty.log").touch()


def _real_files(package: str, pattern: str) -> Iterator[tuple[Path, Path]]:
    """Each data file of a package, and its path below the package."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise DemoError(f"the package {package}, which ships sample files, is not installed: run `make setup`")
    root = Path(found.submodule_search_locations[0])
    for data in root.glob(pattern):
        for file in sorted(data.rglob("*")):
            if file.is_file() and file.suffix not in {".py", ".pyc"}:
                yield file, file.relative_to(root)


def _make_volume(path: Path, shape: tuple[int, int, int], noise: random.Random) -> None:
    """Write a NIfTI-1 file of 16-bit noise (https://nifti.nimh.nih.gov/nifti-1)."""
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)  # sizeof_hdr
    struct.pack_into("<8h", header, 40, 3, *shape, 1, 1, 1, 1)  # dim
    struct.pack_into("<2h", header, 70, 4, 16)  # datatype int16, bitpix
    struct.pack_into("<8f", header, 76, *[1.0] * 8)  # pixdim
    struct.pack_into("<2f", header, 108, 352.0, 1.0)  # vox_offset, scl_slope
    header[344:348] = b"n+1\0"
    left = 2 * shape[0] * shape[1] * shape[2]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(header)
        while left:
            left -= file.write(noise.randbytes(min(left, _SLAB)))
