"""Placing batches on workers, with a clock and workers of the test: order, window, losses, stragglers."""

from types import SimpleNamespace

import numpy as np
import pytest

from osler.base.errors import InputError
from osler.represent import engine_pool
from osler.represent.engine_pool import ATTEMPTS, DEPTH, WINDOW, WorkerPool
from osler.represent.engine_worker import Report, unpack_batch


class LostError(Exception):
    """A worker is gone."""


class FakeRay:
    """What the pool uses of Ray. `behave(worker, batch)`: seconds that a batch takes, or an error."""

    def __init__(self, behave, placed=lambda worker: True):
        self.behave, self.placed = behave, placed
        self.now = 0.0
        self.actors, self.answers = 0, {}
        self.running = 0
        self.exceptions = SimpleNamespace(
            RayTaskError=type("RayTaskError", (Exception,), {}), RayError=LostError
        )

    def remote(self, worker_class):
        return self

    def options(self, **options):
        return SimpleNamespace(remote=lambda: Actor(self))

    def wait(self, refs, *, num_returns, timeout):
        first = min(refs, key=lambda ref: self.answers[ref][0])
        at = self.answers[first][0]
        if at > self.now + timeout:
            self.now += timeout
            return [], refs
        self.now = max(self.now, at)
        return [first], []

    def get(self, ref):
        value = self.answers.pop(ref)[1]
        if isinstance(value, Exception):
            raise value
        return value

    def kill(self, actor):
        actor.free = float("inf")


class Actor:
    """A worker whose vectors are the sums of token ids."""

    def __init__(self, ray):
        self.ray, self.number = ray, ray.actors
        ray.actors += 1
        self.free = 0.0 if ray.placed(self.number) else float("inf")
        host = f"host{self.number}"
        self.place = self.method(lambda: (0.0, (host, self.number)))
        report = Report(host, {"dtype": "float32"}, {}, 4096, "x")
        self.load = self.method(lambda name, dtype, device: (0.0, report))
        self.encode = self.method(self.work)

    def method(self, call):
        def remote(*given):
            takes, value = call(*given)
            self.free = max(self.free, self.ray.now) + takes
            ref = object()
            self.ray.answers[ref] = (self.free, value)
            return ref

        return SimpleNamespace(remote=remote)

    def work(self, flat, ends, lead):
        batch = unpack_batch(flat, ends)
        takes = self.ray.behave(self.number, batch[0][0])
        if isinstance(takes, Exception):
            return 0.1, takes
        return takes, np.array([[sum(one)] for one in batch], dtype=np.float32)


@pytest.fixture
def pool_of(monkeypatch):
    def make(behave, *, workers=2, **more):
        ray = FakeRay(behave, **more)
        monkeypatch.setattr(engine_pool.time, "monotonic", lambda: ray.now)
        return ray, WorkerPool(ray, encoder="e", dtype="auto", workers=workers, gpus=0.0)

    return make


def batches(n):
    return [[[i, 1], [i]] for i in range(n)]


def expected(n):
    return [[[i + 1], [i]] for i in range(n)]


def test_results_come_in_order_and_the_source_is_read_no_more_than_a_window_ahead(pool_of):
    read = []

    def source():
        for one in batches(200):
            read.append(one)
            yield one

    # Batch 0 takes as long as a hundred others.
    ray, pool = pool_of(lambda worker, batch: 5.0 if batch == 0 else 0.05)
    made = []
    ahead = []
    for vectors in pool.encode_batches(source()):
        ahead.append(len(read) - len(made))
        made.append(vectors.tolist())
    assert made == expected(200)
    assert max(ahead) == WINDOW * 2
    assert ahead[0] == WINDOW * 2  # the other worker went on meanwhile
    assert ray.now < 5.0 + 200 * 0.05


def test_a_worker_that_never_answers_is_passed_by(pool_of):
    ray, pool = pool_of(lambda worker, batch: 1e9 if worker == 0 and batch == 6 else 0.5)
    assert [one.tolist() for one in pool.encode_batches(batches(60))] == expected(60)
    assert ray.now < 120
    assert [one.tolist() for one in pool.encode_batches(batches(5))] == expected(5)


def test_batches_of_lost_workers_are_placed_again(pool_of):
    left = [3, 9, 10, 30]

    def behave(worker, batch):
        if batch in left:
            left.remove(batch)
            return LostError()
        return 0.5

    _, pool = pool_of(behave)
    assert [one.tolist() for one in pool.encode_batches(batches(40))] == expected(40)
    assert pool.losses == 4
    assert not left


def test_a_batch_that_takes_worker_after_worker_with_it_is_told_without_its_content(pool_of):
    _, pool = pool_of(lambda worker, batch: LostError() if batch == 7 else 0.5)
    with pytest.raises(InputError, match=f"2 texts and 3 tokens was lost with {ATTEMPTS} workers") as told:
        list(pool.encode_batches(batches(40)))
    assert "memory" in str(told.value)


def test_no_worker_left_ends_the_job_in_time(pool_of):
    ray, pool = pool_of(
        lambda worker, batch: LostError() if batch >= 10 else 0.5, placed=lambda number: number < 2
    )
    with pytest.raises(InputError, match="no worker is left"):
        list(pool.encode_batches(batches(40)))
    assert ray.now < 100


def test_no_worker_at_all_and_workers_that_end_at_once(pool_of, monkeypatch):
    with pytest.raises(InputError, match="no worker is left"):
        pool_of(lambda worker, batch: 0.5, placed=lambda number: False)

    def fails(self, call):
        def remote(*given):
            ref = object()
            self.ray.answers[ref] = (self.ray.now + 0.1, LostError())
            return ref

        return SimpleNamespace(remote=remote)

    monkeypatch.setattr(Actor, "method", fails)
    with pytest.raises(InputError, match="before they are ready"):
        pool_of(lambda worker, batch: 0.5)


def test_a_worker_has_no_more_than_it_can_wait_for(pool_of):
    given = []
    _, pool = pool_of(lambda worker, batch: given.append(batch) or 1e3, workers=3)
    stream = pool.encode_batches(iter(batches(100)))
    next(stream)
    assert len(given) <= 3 * DEPTH + 3


def test_results_of_a_stream_that_was_left_do_not_reach_the_next(pool_of):
    _, pool = pool_of(lambda worker, batch: 0.5)
    stream = pool.encode_batches(batches(30))
    next(stream)
    stream.close()
    other = [[[100 + i]] for i in range(10)]
    assert [one.tolist() for one in pool.encode_batches(other)] == [[[100 + i]] for i in range(10)]
