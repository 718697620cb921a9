"""The fast path: three patterns over ZeroMQ that lose nothing.

    ZmqPublisher -> ZmqSubscriber    one to many: bars, fills          (pubsub.py)
    ZmqPusher -> ZmqPuller           one to one of many: signals       (pushpull.py)
    ZmqClient <-> ZmqServer          request and reply: orders         (reqrep.py)

ZeroMQ alone drops what a peer was not there for, or too slow for, and says nothing. So
rows are in their writer's log before they are sent, every row has its `seq`, and whoever
misses one has it from the log before it sees any later one. The sockets are only the
faster way; a log is the truth.

All are for one thread, never wait unless a timeout says so, and share the options and the
rules of endpoint.py. `socket` of each may be registered with a `zmq.Poller`, so that a
role waits for all of its sources at once, then asks each to `drain()`.

Whatever cannot be read is refused and counted (`refused`), never fatal: a stranger cannot
stop a role by talking nonsense to it.
"""

from flotilla.stream.pubsub import ZmqPublisher, ZmqSubscriber
from flotilla.stream.pushpull import ZmqPuller, ZmqPusher, shard_of
from flotilla.stream.reqrep import (
    Asked,
    Outcome,
    Pending,
    Replied,
    RequestRefused,
    Unknown,
    Unseen,
    ZmqClient,
    ZmqServer,
)

__all__ = [
    "Asked",
    "Outcome",
    "Pending",
    "Replied",
    "RequestRefused",
    "Unknown",
    "Unseen",
    "ZmqClient",
    "ZmqPublisher",
    "ZmqPuller",
    "ZmqPusher",
    "ZmqServer",
    "ZmqSubscriber",
    "shard_of",
]
