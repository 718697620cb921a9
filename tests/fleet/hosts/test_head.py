"""The head's side: what it believes against what an agent says. The link is played, the decisions are not."""

import asyncio
from contextlib import contextmanager

import pytest
from tests.fleet.made_world import fleet_of

from flotilla.fleet.folder import Kept
from flotilla.fleet.hosts import head as module
from flotilla.fleet.hosts.head import Hosts
from flotilla.fleet.hosts.wire import Do, Ended, Running, Samples, Seen, Told, Welcome, digest
from flotilla.fleet.rules.coordinate import coordinate
from flotilla.fleet.rules.fleet_state import made
from flotilla.fleet.rules.states import Adopted, Alert, Ask, Note, State, Sweep
from flotilla.fleet.spec import Overrides
from flotilla.fleet.system.resources import Sample

SECOND = 10**9
FAR = {"hosts": {"b": {"address": "127.0.0.1:9", "lost_after": 5.0}}}


class PlayedLink:
    """A link that goes nowhere."""

    def __init__(self, name, host, hello, take, lost):
        self.name, self.host, self.hello, self.take, self.lost = name, host, hello, take, lost
        self.sight, self.since_ns, self.why, self.epoch, self.got = "awaited", 0, "", "", 0
        self.pending, self.orders = [], []

    def order(self, what, name, run, *more):
        do = Do(len(self.orders) + 1, self.hello.generation, what, name, run, *more)
        self.orders.append(do)
        self.pending.append(do)

    def found(self):
        self.sight = "seen"

    async def close(self):
        pass


class Head:
    """A supervisor's decisions, and no processes."""

    def __init__(self, generation=1, **platforms):
        self.fleet = made(
            fleet_of({"feed": [], "app": ["feed"]}, fleet=FAR, every={"host": "b"}, **platforms), 1
        )
        self.events, self.alerts = [], []
        self.hosts = Hosts(self, self.fleet.spec, generation, self.alerts.append)
        self.hosts.open()
        (self.link,) = self.hosts._links.values()

    def tell(self, event):
        self.events.append(type(event).__name__)
        self.fleet, orders = coordinate(self.fleet, event, SECOND)
        for order in orders:
            if self.hosts.has(order):
                self.hosts.do(order)
            elif isinstance(order, Alert):
                self.alerts.append(order)
            else:
                assert isinstance(order, Note | Sweep)  # its agent sweeps

    def hear(self, line):
        self.link.take(self.link, line)

    def welcome(self, epoch="e", done=0, seq=0, running=None, ended=None, told=()):
        self.hear(Welcome("b", epoch, done, seq, running or {}, ended or {}, told))

    def states(self):
        return {name: life.state.value for name, life in self.fleet.lives.items()}

    def orders(self):
        return [(do.what, do.name, do.run) for do in self.link.orders]


@contextmanager
def headed(monkeypatch, **more):
    monkeypatch.setattr(module, "HostLink", PlayedLink)
    yield Head(**more)


@pytest.fixture
def head(monkeypatch):
    with headed(monkeypatch) as made_head:
        yield made_head


@pytest.fixture
def ready(head):
    """Return a head with both platforms up."""
    head.welcome()
    head.tell(Ask("start"))
    for n, name in enumerate(("feed", "app"), 1):
        head.hear(Told(3 * n, "spawned", name, f"1.{n}", pid=10 + n))
        head.hear(Told(3 * n + 1, "readied", name, f"1.{n}"))
    head.link.pending = []
    assert head.states() == {"feed": "ready", "app": "ready"}
    return head


def test_a_platform_elsewhere_is_started_once_its_host_is_seen_by_its_own_file(head):
    head.tell(Ask("start"))
    assert head.orders() == []

    head.welcome()

    (do,) = head.link.orders
    assert (do.what, do.name, do.run, do.generation) == ("spawn", "feed", "1.1", 1)
    assert do.digest == digest(head.fleet.spec.platforms["feed"])
    assert head.hosts.status()[0].sight == "seen"


def test_what_a_command_sets_anew_goes_with_the_order_to_start(ready):
    ready.tell(Ask("restart", ("app",), overrides=Overrides(log_level="DEBUG", health_check_interval=2.0)))
    ready.hear(Told(20, "exited", "app", "1.2", code=0))
    ready.hear(Told(21, "exited", "feed", "1.1", code=1))
    ready.tell(Ask("start", ("feed",)))

    app, feed = [do for do in ready.link.orders if do.what == "spawn"][2:]
    assert (app.name, app.log_level, app.health_check_interval) == ("app", "DEBUG", 2.0)
    assert (feed.name, feed.log_level, feed.health_check_interval) == ("feed", "INFO", 30.0)


def test_a_need_over_hosts_is_waited_for_and_left_in_reverse(ready):
    ready.tell(Ask("down"))
    assert ready.orders()[2:] == [("terminate", "app", "1.2")]

    ready.hear(Told(20, "exited", "app", "1.2", code=0))

    assert ready.orders()[3:] == [("terminate", "feed", "1.1")]


def test_what_is_told_of_another_run_is_old(ready):
    ready.hear(Told(20, "exited", "feed", "1.99", code=1))
    ready.hear(Told(21, "exited", "nobody", "1.1", code=1))
    ready.hear(Seen("hung", "feed", "0.1", figure=9.0))

    assert ready.states() == {"feed": "ready", "app": "ready"}


def test_what_is_seen_is_an_event_of_the_platform(ready):
    ready.hear(Seen("probed", "feed", "1.1", ok=False, text="503"))
    assert ready.states()["feed"] == "degraded"
    ready.hear(Seen("probed", "feed", "1.1", ok=True))
    ready.hear(Seen("over", "feed", "1.1", tier="warn", text="memory"))
    ready.hear(Told(30, "alert", "feed", "1.1", text="somebody is left"))
    ready.hear(Samples({"feed": Sample(1, 2, 3, 4, 5), "nobody": Sample(1, 2, 3, 4, 5)}))
    ready.hear(Seen("hung", "feed", "1.1", figure=0.6))

    assert ready.states()["feed"] == "killing"
    assert ready.orders()[-1] == ("kill", "feed", "1.1")
    assert set(ready.hosts.samples) == {"feed"}
    assert "b: somebody is left" in [alert.text for alert in ready.alerts]


def test_one_that_cannot_be_started_says_why(head):
    head.welcome()
    head.tell(Ask("start"))

    head.hear(Told(1, "spawnfailed", "feed", "1.1", text="no such program"))

    assert head.states()["feed"] == "backoff"
    assert "no such program" in head.fleet.lives["feed"].reason


def test_after_a_partition_the_same_runs_go_on(ready):
    ready.link.sight = "lost"
    ready.link.lost(ready.link)
    assert ready.states() == {"feed": "degraded", "app": "degraded"}
    before = ready.orders()

    ready.welcome(seq=6, running={"feed": Running("1.1", 11, True), "app": Running("1.2", 12, True)})

    assert ready.states() == {"feed": "ready", "app": "ready"}
    assert ready.orders() == before


def test_what_died_behind_a_partition_is_told_and_only_then_its_host_is_found(ready):
    ready.link.sight = "lost"
    ready.link.lost(ready.link)
    ready.events.clear()

    running = {"feed": Running("1.1", 11, True)}
    told = (Told(9, "exited", "app", "1.2", code=4),)
    ready.welcome(seq=9, running=running, ended={"app": Ended("1.2", 4)}, told=told)

    assert ready.events == ["Exited", "HostFound"]
    assert ready.fleet.lives["app"].last_exit == 4
    assert ready.states()["feed"] == "ready"


def test_an_agent_that_has_forgotten_all_says_what_runs_and_the_rest_has_died(ready):
    ready.link.sight = "lost"
    ready.link.lost(ready.link)

    ready.welcome(epoch="new", running={"feed": Running("1.1", 11, True)})

    assert ready.states()["feed"] == "ready"
    assert ready.fleet.lives["app"].pid is None
    assert ready.fleet.lives["app"].wanted


def test_orders_that_were_done_are_not_sent_again_and_others_are(ready):
    ready.link.epoch = "e"
    ready.tell(Ask("stop", ("app",)))
    ready.tell(Ask("start", ("app",)))
    (terminate,) = ready.link.pending
    running = {"feed": Running("1.1", 11, True), "app": Running("1.2", 12, True)}

    ready.welcome(done=terminate.n - 1, running=running)
    assert ready.link.pending == [terminate]
    ready.welcome(done=terminate.n, running=running)

    assert ready.link.pending == []


def test_an_order_to_start_that_nobody_knows_of_has_failed(head):
    head.welcome()
    head.tell(Ask("start"))
    head.link.pending = []  # it was done, says the agent

    head.welcome(done=1)

    assert head.states()["feed"] == "backoff"


def test_a_new_head_takes_up_what_runs_without_a_start(head):
    kept = {
        "feed": Kept(more={"run": "1.1", "far_pid": 11}),
        "app": Kept(more={"run": "1.2", "far_pid": 12}),
    }
    for name, run in (("feed", "1.1"), ("app", "1.2")):
        pid = head.hosts.recall(name, kept)
        head.tell(Adopted(name, pid, State.READY))
        assert head.hosts.runs[name] == run
    assert head.fleet.lives["feed"].lost  # nobody knows yet

    head.welcome(running={"feed": Running("1.1", 11, True), "app": Running("1.2", 12, True)})

    assert head.states() == {"feed": "ready", "app": "ready"}
    assert head.orders() == []


def test_a_new_head_believes_the_agent_where_its_memory_is_behind(head):
    head.tell(Ask("start"))
    assert head.hosts.recall("feed", {}) is None

    head.welcome(running={"feed": Running("0.7", 11, True)})

    assert head.states() == {"feed": "ready", "app": "starting"}
    assert head.orders() == [("spawn", "app", "1.1")]


def test_what_a_new_head_finds_running_and_nobody_wants_is_stopped(head):
    head.welcome(running={"feed": Running("0.7", 11, True)})

    assert head.states()["feed"] == "stopping"
    assert head.orders() == [("terminate", "feed", "0.7")]


def test_a_new_head_orders_again_what_the_one_before_had_decided(head):
    head.hosts.recall("feed", {"feed": Kept(more={"run": "1.1", "far_pid": 11})})
    head.tell(Adopted("feed", 11, State.STOPPING, wanted=False))

    head.welcome(running={"feed": Running("1.1", 11, True)})

    assert head.orders() == [("terminate", "feed", "1.1")]


def test_a_job_that_ended_well_while_no_head_was_there_is_completed(monkeypatch):
    with headed(monkeypatch, feed={"kind": "job"}) as head:
        head.hosts.recall("feed", {"feed": Kept(more={"run": "1.1", "far_pid": 11})})
        head.tell(Adopted("feed", 11, State.READY))

        head.welcome(ended={"feed": Ended("1.1", 0)})

        assert head.states()["feed"] == "completed"


def test_one_that_was_to_be_started_and_is_there_is_not_started_twice(head):
    head.welcome()
    head.tell(Ask("start"))
    assert [do.what for do in head.link.pending] == ["spawn"]

    head.welcome(epoch="new", running={"feed": Running("", 11, False)})

    assert [do.name for do in head.link.pending] == []
    assert head.fleet.lives["feed"].pid == 11


def test_hanging_up_changes_nothing_there(ready):
    before = ready.orders()

    asyncio.run(ready.hosts.close())

    assert ready.orders() == before


def test_one_that_its_agent_is_about_to_start_is_waited_for(head):
    head.welcome()
    head.tell(Ask("start"))
    head.link.pending = []  # it was done, says the agent

    head.hear(Welcome("b", "e", 1, 0, waiting={"feed": "1.1"}))
    assert (head.states()["feed"], head.fleet.lives["feed"].restarts) == ("starting", ())
    head.hear(Told(1, "spawned", "feed", "1.1", pid=11))

    assert head.fleet.lives["feed"].pid == 11


@pytest.mark.parametrize("epoch", ["e", "another"])
def test_what_an_agent_says_of_itself_is_heard_with_the_name_of_its_host(ready, epoch):
    running = {"feed": Running("1.1", 11, True), "app": Running("1.2", 12, True)}
    ready.hear(Told(20, "alert", "", "", text="its guard is gone"))
    ready.welcome(epoch=epoch, running=running, told=(Told(21, "alert", "", "", text="its disk is full"),))

    texts = [(alert.name, alert.text) for alert in ready.alerts]
    assert texts == [("", "on host b, its guard is gone"), ("", "on host b, its disk is full")]
