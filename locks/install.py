"""Install one lock, and this checkout over it: install.py FOLDER LOCK STAMP.

1. Make FOLDER, a virtual environment, with the Python that runs this (`make_folder`).
2. Where STAMP, a copy of the lock that was installed last, differs from LOCK: have pip fetch it, every file
   checked against its hash, and show what it is at (`fetch`).
3. Put the checkout in, editable, so that its entry points are those of pyproject.toml (`put_in`).
4. Write STAMP. What is interrupted before this is taken up again the next time.

Only the standard library and pip: this runs before anything is there.
"""

import shutil
import subprocess
import sys
from pathlib import Path

SHOWN = ("Downloading ", "Building wheel", "Installing collected packages")


def main(folder: Path, lock: Path, stamp: Path) -> None:
    """Bring `folder` up to `lock`."""
    make_folder(folder)
    if not stamp.exists() or stamp.read_bytes() != lock.read_bytes():
        fetch(folder, lock)
    put_in(folder)
    shutil.copyfile(lock, stamp)


def make_folder(folder: Path) -> None:
    """Make the virtual environment, unless a whole one is there."""
    if not (folder / "bin" / "pip").exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)


def fetch(folder: Path, lock: Path) -> None:
    """Install what `lock` pins; say a line for each download, and everything if it fails."""
    pinned = sum("==" in line for line in lock.read_text().splitlines())
    say(f"{folder} does not hold {lock} yet: fetching what is missing of {pinned} packages (only this once)")
    command = [*pip(folder), "install", "--progress-bar", "off", "--require-hashes", "-r", str(lock)]
    said = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as running:
        for line in running.stdout or ():
            said.append(line)
            if line.strip().startswith(SHOWN):
                say("  " + line.strip().partition(": ")[0])
    if running.returncode:
        sys.exit("".join(said) + f"pip could not install {lock}; its words are above")


def put_in(folder: Path) -> None:
    """Install the checkout itself, editable; what builds it came with the lock."""
    options = ["--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip(folder), "install", *options, "--editable", "."], check=True)


def pip(folder: Path) -> list[str]:
    """Return the start of a pip command for `folder`."""
    return [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input"]


def say(line: str) -> None:
    """Print at once, for somebody who waits."""
    print(line, flush=True)


if __name__ == "__main__":
    if sys.version_info < (3, 11):
        sys.exit("Flotilla needs Python 3.11 or newer; name one: make PYTHON=/path/to/python3.12")
    main(*(Path(word) for word in sys.argv[1:4]))
