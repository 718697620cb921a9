"""Many files as one Draft: a folder, a pattern, or a list of them, mostly one file for each instrument.

1. Find the files (`files_of`): none is guessed, hidden ones and folders inside are left out.
2. Read each, and tell of all the bad ones in one message (`draft_of_files`).
3. Put them side by side on the union of their times (joined.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from flotilla.errors import ConfigError, DataError
from flotilla.stream.bars.draft import Draft, check_draft
from flotilla.stream.bars.joined import joined
from flotilla.stream.bars.options import Options
from flotilla.words import counted

TEXTS = (".csv", ".txt", ".tsv", ".dat", ".prn", ".asc")
_PATTERN = re.compile(r"[*?\[]")
_SHOWN = 5
Reader = Callable[[Path, Options], Draft]


def files_of(given: str | Sequence[str], ends: Sequence[str]) -> list[Path]:
    """Return the files that a path, a folder, a pattern or a list of them leads to, each once.

    ends: of the names of files that are taken from a folder.
    """
    if isinstance(given, str):
        found = _files_of_one(given, ends)
    else:
        found = [file for path in given for file in _files_of_one(_text(path), ends)]
    if not found:
        raise ConfigError("path is an empty list: name at least one file")
    twice = sorted({str(file) for file in found if found.count(file) > 1}) if len(found) < 100 else []
    if twice or len({*found}) < len(found):
        raise ConfigError(f"path leads to a file twice: {', '.join(twice[:_SHOWN]) or 'see its patterns'}")
    return found


def draft_of_files(given: str | Sequence[str], options: Options, read: Reader, ends: Sequence[str]) -> Draft:
    """Return the bars of one file, or of many side by side; DataError tells of every bad file."""
    files = files_of(given, ends)
    if len(files) == 1:
        return read(files[0], options)
    drafts: list[Draft] = []
    wrong: dict[Path, DataError] = {}
    for file in files:
        try:
            draft = read(file, options)
            check_draft(draft)
            drafts.append(draft)
        except DataError as error:
            wrong[file] = error
    if wrong:
        raise together(given, files, wrong)
    return joined(drafts, _name(given, files))


def together(given: str | Sequence[str], files: Sequence[Path], wrong: Mapping[Path, DataError]) -> DataError:
    """Return what is wrong with some of the files that `given` led to as one error.

    Where all the bad ones of a folder end otherwise than the good ones, as a README.txt does, the mend is a
    pattern that leaves them out.
    """
    told = f"{counted(len(wrong), 'file')} of {len(files):,} cannot be used:"
    good = {file.suffix for file in files if file not in wrong}
    apart = len(good) == 1 and not good & {file.suffix for file in wrong}
    hint = [f"  or leave such files out: {given}/*{good.pop()}"] if apart and _is_folder(given) else []
    error = DataError("\n".join([told, *map(str, wrong.values()), *hint]))
    error.findings = tuple(found for each in wrong.values() for found in each.findings)
    return error


def _is_folder(given: str | Sequence[str]) -> bool:
    return isinstance(given, str) and Path(given).is_dir()


def _text(path: object) -> str:
    if not isinstance(path, str):
        raise ConfigError(f"path: {path!r} should be a text, the name of a file")
    return path


def _files_of_one(given: str, ends: Sequence[str]) -> list[Path]:
    if "\0" in given:
        raise ConfigError(f"{given!r} is no path: it has a NUL in it")
    path = Path(given)
    if path.is_dir():
        return _of_folder(path, ends)
    if _PATTERN.search(given) and not path.exists():
        root = Path(path.anchor)
        try:
            there = root.glob(str(path.relative_to(root)))
            found = sorted(file for file in there if file.is_file() and not _is_hidden(file))
        except ValueError as error:
            raise ConfigError(f"{given} is no pattern: {error}") from error
        if not found:
            raise ConfigError(f"{given}: no file is called like that; hidden files are left out")
        return found
    return [path]


def _is_hidden(file: Path) -> bool:
    return any(part.startswith(".") and part not in (".", "..") for part in file.parts)


def _of_folder(folder: Path, ends: Sequence[str]) -> list[Path]:
    there = sorted(folder.iterdir())
    found = [file for file in there if _is_data(file, ends)]
    if found:
        return found
    inside = [path.name for path in there if path.is_dir() and not path.name.startswith(".")]
    hint = f"; it has folders, so say {folder}/**/*{ends[0]}" if inside else ""
    raise ConfigError(f"{folder} cannot be read: it is a folder without a file of {', '.join(ends)}{hint}")


def _is_data(file: Path, ends: Sequence[str]) -> bool:
    name = file.name.lower().removesuffix(".gz")
    return name.endswith(tuple(ends)) and not name.startswith(".") and file.is_file()


def _name(given: str | Sequence[str], files: Iterable[Path]) -> str:
    """Return what messages call many files together."""
    if isinstance(given, str):
        path = Path(given)
        return path.name if path.is_dir() else f"{path.parent.name}/{path.name}".lstrip("/")
    return counted(len([*files]), "file")
