import asyncio
import os
import socket
import subprocess
import sys

from flotilla.fleet.system.ears import Ears

SAYS = """
import os, socket, sys
speaker = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
speaker.connect(sys.argv[1])
os.setuid(int(sys.argv[2]))
speaker.send(b"STATUS=here")
print("said")
"""


def test_only_the_platforms_of_this_user_and_root_are_heard_of(tmp_path):
    path = tmp_path / "notify.sock"
    users = [os.getuid(), 65534] if os.getuid() == 0 else [os.getuid()]

    async def heard():
        ears, leaders = Ears(path, lambda: None, lambda: None), {}
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as speaker:
            speaker.sendto(b"READY=1", str(path))  # we are no platform
        for n, user in enumerate(users):
            command = [sys.executable, "-I", "-S", "-c", SAYS, str(path), str(user)]
            with subprocess.Popen(command, stdout=subprocess.PIPE) as speaker:
                assert speaker.stdout.read() == b"said\n"
            leaders[speaker.pid] = f"p{n}"
        said = list(ears.hear_of(leaders, {}.get))
        ears.close()
        return said

    assert asyncio.run(heard()) == [("p0", {"STATUS": "here"})]
    assert not path.exists()


def test_a_socket_that_somebody_removed_is_put_back_and_what_was_said_meanwhile_is_missed(tmp_path):
    path = tmp_path / "notify.sock"

    async def heard():
        said, missed = [], []

        def hear():
            said.extend(ears.hear_of({os.getpid(): "feed"}, {}.get))

        ears = Ears(path, hear, lambda: missed.append(path.exists()))
        ears.look()
        path.unlink()
        ears.look()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as speaker:
            speaker.sendto(b"READY=1", str(path))
        while not said:
            await asyncio.sleep(0.005)
        path.parent.rename(tmp_path.with_name("gone"))
        ears.look()
        tmp_path.with_name("gone").rename(path.parent)
        ears.close()
        return said, missed

    assert asyncio.run(asyncio.wait_for(heard(), 20)) == ([("feed", {"READY": "1"})], [False, False])
