"""Encoding on a real cluster of two nodes: the bytes of a local run, also when workers and nodes are lost."""

import contextlib
import os
import secrets
import signal
import sys
from dataclasses import replace

import pytest
from represent_support import small_plan

from osler.base.errors import InputError
from osler.base.offline import go_offline
from osler.models.loading import weights_hash
from osler.models.recipes import recipe
from osler.represent import engine_cluster
from osler.represent.encode import make_vectors
from osler.represent.engine import EngineSettings, open_engine
from osler.represent.engine_pool import WorkerPool
from osler.represent.settings import EncodeSettings

go_offline()
# Ray reads them when it is imported: all clusters here share one token, and none is left in the home folder.
os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
pytest.importorskip("ray")

BATCHES = [[[7592 + i, 2088], [1012, 1013 + i]] for i in range(12)]


def content(folder):
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
    }


@pytest.fixture(scope="module")
def two_nodes():
    """A cluster of two nodes with one core each, and the second node."""
    from ray.cluster_utils import Cluster

    small = {"num_cpus": 1, "object_store_memory": 100 * 2**20}
    cluster = Cluster(initialize_head=True, head_node_args={**small, "include_dashboard": False})
    try:
        yield cluster, cluster.add_node(**small)
    finally:
        cluster.shutdown()


@pytest.fixture
def disturb(monkeypatch):
    """Call a function once, with the pool, when all workers are ready and some batches came back."""
    whole, take = WorkerPool.__init__, WorkerPool._take
    pools = []

    def with_all(self, *args, **options):
        whole(self, *args, **options)
        pools.append(self)
        while len(self.pids()) < self.workers:
            self._turn()

    def set_up(action):
        left = [action]

        def takes(self, job, number, vectors):
            take(self, job, number, vectors)
            if left and number >= 4:
                left.pop()(self)

        monkeypatch.setattr(WorkerPool, "_take", takes)
        return pools

    monkeypatch.setattr(WorkerPool, "__init__", with_all)
    return set_up


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr("osler.represent.maker.plan_batches", small_plan(40))
    monkeypatch.setattr("osler.represent.cost.tokens_per_second", lambda encoder: 1.0)


def test_a_cluster_of_its_own_listens_to_this_machine_only_and_is_gone_afterwards(tiny_encoder):
    import psutil

    settings = EngineSettings(engine="ray", workers=1)
    with open_engine(tiny_encoder, dtype="float32", settings=EngineSettings()) as local:
        expected = list(local.encode_batches(BATCHES))
        described = local.describe()
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    with open_engine(tiny_encoder, dtype="float32", settings=settings) as encoder:
        made = list(encoder.encode_batches(BATCHES))
        assert encoder.describe() == described
        begun = [one for one in psutil.Process().children(recursive=True) if one.pid not in before]
        processes = [psutil.Process(), *begun]
        listening = []
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                command = " ".join(process.cmdline())
                open_ports = process.net_connections("tcp")
                listening += [(one.laddr.ip, command) for one in open_ports if one.status == "LISTEN"]
        assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
        with pytest.raises(InputError, match="longer than the context"):
            list(encoder.encode_batches([[[7592] * 100]]))
    assert [one.tobytes() for one in made] == [one.tobytes() for one in expected]
    assert len(listening) > 3
    assert {address.removeprefix("::ffff:") for address, _ in listening} == {"127.0.0.1"}
    assert not any("dashboard.py" in command for _, command in listening)
    assert not psutil.wait_procs(begun, timeout=20)[1]


@pytest.mark.parametrize(("loss", "unit"), [("worker", "document"), ("node", "statement")])
def test_a_loss_in_the_middle_changes_no_byte(
    loss, unit, two_nodes, disturb, small_batches, tiny_encoder, texts, tmp_path, capsys
):
    cluster, second = two_nodes
    settings = EncodeSettings(encoder=tiny_encoder, unit=unit, dtype="float32")
    make_vectors(texts, tmp_path / "local", settings=settings)
    capsys.readouterr()

    def kill(pool):
        busy = max((one for one in pool._members if one.report), key=lambda one: one.load)
        os.kill(busy.pid, signal.SIGKILL)

    pools = disturb(kill if loss == "worker" else lambda pool: cluster.remove_node(second))
    place = EngineSettings(engine="ray", address=cluster.address)
    made = make_vectors(texts, tmp_path / "ray", settings=settings, engine=place)
    assert made.n_vectors >= 24
    assert pools[0].workers == 2
    assert pools[0].losses == 1
    assert content(tmp_path / "ray") == content(tmp_path / "local")
    told = capsys.readouterr().err
    assert "a worker was lost" in told
    assert "sodium" not in told


def test_an_encoder_that_the_workers_have_not_alike_is_refused(two_nodes, tiny_encoder, monkeypatch):
    from osler.represent import engine_ray

    found = weights_hash(recipe(tiny_encoder))
    monkeypatch.setattr(engine_ray, "weights_hash", lambda facts: "0" * 64)
    settings = EngineSettings(engine="ray", address=two_nodes[0].address, workers=1)
    with (
        pytest.raises(InputError, match=f"not the one on this machine: weights_sha256 {found}"),
        open_engine(tiny_encoder, dtype="float32", settings=settings),
    ):
        pass


def test_addresses_that_cannot_be_used_are_told_in_time(monkeypatch):
    import socket

    monkeypatch.setattr(engine_cluster, "ANSWER", 3.0)
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        for address, message in (
            ("127.0.0.1:9", "nothing answers"),
            ("nowhere", "no address"),
            (f"127.0.0.1:{mute.getsockname()[1]}", "no Ray cluster"),
        ):
            settings = EngineSettings(engine="ray", address=address)
            with (
                pytest.raises(InputError, match=message),
                open_engine("minilm", dtype="auto", settings=settings),
            ):
                pass


def test_without_ray_the_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with (
        pytest.raises(InputError, match=r"osler\[ray\]"),
        open_engine("minilm", dtype="auto", settings=EngineSettings(engine="ray")),
    ):
        pass


def test_workers_that_differ():
    from osler.represent.engine_worker import Report, require_same

    one = Report("a", {"weights_sha256": "1"}, {"torch": "2"}, 4096, "x")
    require_same(one, replace(one, host="b", hardware="y"))
    with pytest.raises(InputError, match="weights_sha256: 1 and 2"):
        require_same(one, replace(one, made_by={"weights_sha256": "2"}))
    with pytest.raises(InputError, match="torch: 2 and 3"):
        require_same(one, replace(one, software={"torch": "3"}))
