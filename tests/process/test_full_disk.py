"""A disk without room: the command says who died of it, ends, and goes on to the same bits once there is."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
STUDY = """
name: small
data: {source: sample, start: 2021-06-01, end: 2021-12-31, instruments: [AAPL, JNJ, KO]}
strategies: {cross: {kind: ma_cross, params: {fast: 5, slow: 20}}}
"""
# All but 2 MB of a disk of 16 MB are taken before the second command, and given back before the third.
# Nothing is filled before it is certain that it is that small disk.
SCRIPT = """
mount -t tmpfs -o size=16m tmpfs "$DISK" && cd "$DISK" && [ "$(stat -f -c %T .)" = tmpfs ] || exit 77
cp "$STUDY" small.yaml
$FLOTILLA run small.yaml > ran 2>&1 || exit 78
left=$(($(df --output=avail -k . | tail -1) - 2048))
[ "$left" -gt 0 ] && [ "$left" -lt 16384 ] || exit 79
dd if=/dev/zero of=filler bs=1k count="$left" 2> /dev/null
$FLOTILLA live --replay small.yaml > "$TOLD/full" 2>&1; echo $? > "$TOLD/full.code"
rm filler
$FLOTILLA live --replay small.yaml > "$TOLD/room" 2>&1; echo $? > "$TOLD/room.code"
"""


def test_a_replay_without_room_says_so_ends_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    disk, study = tmp_path / "disk", tmp_path / "small.yaml"
    disk.mkdir()
    study.write_text(STUDY)
    environment = {
        "DISK": str(disk),
        "STUDY": str(study),
        "TOLD": str(tmp_path),
        "FLOTILLA_HOME": "home",
        "FLOTILLA": f"{sys.executable} -m flotilla.cli.main",
    }

    ended = subprocess.run(
        ["unshare", "-m", "--propagation", "private", "sh", "-c", SCRIPT],
        cwd=tmp_path,
        timeout=300,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )

    if ended.returncode in (1, 77) and not (tmp_path / "full").exists():
        pytest.skip(f"needs root and mount namespaces: {ended.stderr.strip()}")
    full, room = (tmp_path / "full").read_text(), (tmp_path / "room").read_text()
    codes = [(tmp_path / f"{name}.code").read_text().strip() for name in ("full", "room")]
    assert codes == ["1", "0"], full + room
    assert "is started again, 1 of 3 times" in full
    assert "failed: ended with exit code 1; there is no room on the disk of" in full
    assert "EQUAL: every order" in room
