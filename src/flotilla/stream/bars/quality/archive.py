"""A zip archive's entries, looked at by their names and sizes before one byte of them is unpacked."""

from __future__ import annotations

import zipfile
from pathlib import Path, PurePosixPath

from flotilla.stream.bars.findings import Findings, refuse

# An archive that unpacks to more than this, or an entry so much larger than it is packed, is no price file:
# prices as text pack to a tenth or, where most rows are alike, a fiftieth.
MOST_BYTES, MOST_TIMES, SMALL = 2_000_000_000, 200, 1_000_000


def entries_of(path: Path, findings: Findings) -> dict[str, bytes]:
    """Return the texts in an archive by their names; what may not be unpacked goes to `findings`."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = [part for part in archive.infolist() if not part.is_dir()]
            _check(parts, findings)
            if findings:
                return {}
            return {part.filename: archive.read(part) for part in parts}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise refuse(
            path.name, f"it cannot be unpacked: {error}", "fetch the file again", "corrupt"
        ) from error


def _check(parts: list[zipfile.ZipInfo], findings: Findings) -> None:
    outside = [part.filename for part in parts if not _inside(part.filename)]
    what = "an entry would be written outside of the folder that it is unpacked in; nothing was unpacked"
    findings.add(len(outside), what, outside, "do not unpack it; ask where it is from", code="unsafe_path")
    large = [
        f"{part.filename}: {part.compress_size:,} bytes become {part.file_size:,}"
        for part in parts
        if part.file_size > SMALL and part.file_size > MOST_TIMES * max(part.compress_size, 1)
    ]
    total = sum(part.file_size for part in parts)
    if total > MOST_BYTES:
        large.append(f"all of it: {total:,} bytes")
    what = "an entry becomes much larger than it is; nothing was unpacked"
    findings.add(len(large), what, large, "unpack it yourself, if you know it", code="too_large")
    locked = [part.filename for part in parts if part.flag_bits & 1]
    findings.add(len(locked), "an entry is encrypted", locked, "unpack it yourself", code="encrypted")
    if not parts:
        findings.add(1, "there is no entry", [], "fetch the file again", code="empty")


def _inside(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    return not path.is_absolute() and ".." not in path.parts and ":" not in path.parts[0]
