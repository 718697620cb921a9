"""Nobody gets in unasked."""

import subprocess
import sys

import pytest
import zmq

from flotilla.errors import ConfigError
from flotilla.stream.endpoint import bound, check_endpoint


@pytest.mark.parametrize(
    "endpoint", ["tcp://127.0.0.1:5555", "tcp://127.0.0.1:*", "tcp://127.1.2.3:1", "tcp://[::1]:5"]
)
def test_loopback_is_allowed(endpoint):
    check_endpoint(endpoint)


@pytest.mark.parametrize("host", ["*", "0.0.0.0", "10.0.0.7", "127.0.0.1.evil.com", "localhost", "[::]"])
def test_tcp_beyond_the_machine_is_refused_without_keys(host):
    with pytest.raises(ConfigError, match="CURVE"):
        check_endpoint(f"tcp://{host}:5555")


def test_a_transport_that_we_do_not_know_is_refused():
    with pytest.raises(ConfigError, match="ipc://<path>"):
        check_endpoint("pgm://127.0.0.1:5555")


def test_an_ipc_folder_must_be_closed_to_others(folder):
    check_endpoint(f"ipc://{folder}/bars")
    folder.chmod(0o755)

    with pytest.raises(ConfigError, match="0700"):
        bound(zmq.PUB, f"ipc://{folder}/bars")
    with pytest.raises(ConfigError, match="No such file"):
        check_endpoint(f"ipc://{folder}/missing/bars")


def test_a_path_that_the_kernel_would_cut_off_is_refused(folder):
    with pytest.raises(ConfigError, match="107 bytes"):
        check_endpoint(f"ipc://{folder}/{'x' * 100}")


DYING = """
import sys, zmq
from flotilla.clock import sleep
from flotilla.stream.endpoint import bound, connected, received, sent
if sys.argv[1] == "pub":
    writer = bound(zmq.PUB, sys.argv[2])
    reader = connected(zmq.SUB, sys.argv[2], hwm=5)
    reader.subscribe(b"")
else:
    reader = bound(zmq.ROUTER, sys.argv[2], hwm=1000)
    writer = connected(zmq.DEALER, sys.argv[2])
writer.poll(2000, zmq.POLLOUT)
sleep(0.3)
for _ in range(30_000):
    sent(writer, b"x" * 200)
sleep(0.1)
writer.close(linger=0)
sleep(2.0)  # it does something else for a while
print(sum(received(reader) is not None for _ in range(5)))
"""


@pytest.mark.parametrize("kind", ["pub", "dealer"])
def test_one_whose_queue_is_full_outlives_the_death_of_who_filled_it(folder, kind):
    """With heartbeats of ZeroMQ's own it did not: libzmq ended the whole process by an assertion."""
    ran = subprocess.run(
        [sys.executable, "-c", DYING, kind, f"ipc://{folder}/x"], capture_output=True, text=True, check=False
    )

    assert (ran.returncode, ran.stdout.strip()) == (0, "5"), ran.stderr
