"""Where and how an encoder computes: number format by measurement, memory that does not suffice, budgets."""

import numpy as np
import pytest
import torch

from osler.base.errors import InputError
from osler.models import probe
from osler.models.batching import BUDGET
from osler.models.budget import find_budget
from osler.models.device import choose_device, free_memory, send
from osler.models.encoder import Encoder, load_encoder
from osler.models.loading import choose_dtype
from osler.models.room import Room, is_out_of_memory

TEXTS = [f"Lab {i}: {i * 7}" + " stable" * (i % 30) for i in range(60)]


def tight(most, error, sizes):
    """Encodes texts as their first id, and does not when a batch is larger than `most` tokens."""

    def encode(ids):
        sizes.append(sum(len(one) + 2 for one in ids))
        if sizes[-1] > most:
            raise error
        return np.array([[one[0]] for one in ids], dtype=np.float32)

    return encode


OUT_OF_MEMORY = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:124] . DefaultCPUAllocator: can't allocate memory"),
    MemoryError(),
]


@pytest.mark.parametrize("error", OUT_OF_MEMORY)
def test_a_batch_that_does_not_fit_is_halved_and_nothing_is_lost(error, capsys):
    room, sizes = Room(special=2), []
    ids = [[number] * 8 for number in range(50)]
    made = room.run(ids, tight(130, error, sizes))
    assert made[:, 0].tolist() == list(range(50))
    assert room.limit is not None
    assert room.limit <= 130
    # What was learned is kept: no later batch is tried at a size that did not fit.
    before = len(sizes)
    assert room.run(ids, tight(130, error, sizes))[:, 0].tolist() == list(range(50))
    assert max(sizes[before:]) <= 130
    assert "do not fit the memory" in capsys.readouterr().err


def test_one_text_that_does_not_fit_is_said_and_other_errors_are_kept():
    room = Room(special=2)
    with pytest.raises(InputError, match="a text of 102 tokens does not fit"):
        room.run([[1] * 100, [2] * 3], tight(50, OUT_OF_MEMORY[0], []))
    with pytest.raises(RuntimeError, match="another"):
        room.run([[1]], tight(0, RuntimeError("another"), []))
    assert not is_out_of_memory(RuntimeError("sizes differ"))


def test_an_encoder_out_of_memory_goes_on_with_the_same_vectors(monkeypatch):
    encoder = load_encoder("minilm", dtype="float32", threads=1)
    ids = encoder.tokenizer.encode(TEXTS)
    whole = encoder.encode_ids(ids)
    encode = Encoder._encode

    def scarce(self, ids, *, lead):
        if sum(len(one) for one in ids) > 300:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return encode(self, ids, lead=lead)

    monkeypatch.setattr(Encoder, "_encode", scarce)
    monkeypatch.setattr(encoder._room, "limit", None)
    assert np.abs(encoder.encode_ids(ids) - whole).max() < 1e-5


def test_a_budget_is_doubled_while_it_gains_and_fits(monkeypatch):
    clock = iter(np.cumsum([0, 1.0, 0, 1.2, 0, 1.3, 0, 2.55, 0, 5.0]))  # seconds of 4096, 8192, ... tokens
    monkeypatch.setattr("osler.models.budget.time.perf_counter", lambda: next(clock))
    seen = []

    def encode(ids):
        seen.append(len(ids) * (len(ids[0]) + 2))
        return np.zeros((len(ids), 1), dtype=np.float32)

    assert find_budget(encode, length=512, special=2, token=0) == 4 * BUDGET
    assert sorted(set(seen)) == [BUDGET, 2 * BUDGET, 4 * BUDGET, 8 * BUDGET]


def test_a_budget_ends_where_memory_does():
    encode = tight(3 * BUDGET, OUT_OF_MEMORY[0], [])
    assert find_budget(encode, length=128, special=2, token=0) in (BUDGET, 2 * BUDGET)
    with pytest.raises(RuntimeError, match="another"):
        find_budget(tight(0, RuntimeError("another"), []), length=128, special=2, token=0)


def test_the_number_format_follows_the_measurement(monkeypatch):
    probe.bfloat16_gain.cache_clear()
    gain = probe.bfloat16_gain()
    assert gain > 0
    assert torch.get_num_threads() >= 1
    assert choose_dtype("auto") == ("bfloat16" if gain >= 1.3 else "float32")
    monkeypatch.setattr("osler.models.probe.bfloat16_gain", lambda device: 1.29)
    assert choose_dtype("auto") == "float32"
    monkeypatch.setattr("osler.models.probe.bfloat16_gain", lambda device: 1.31)
    assert choose_dtype("auto") == "bfloat16"


def test_devices(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == choose_device("cpu") == "cpu"
    with pytest.raises(InputError, match="no graphics processor"):
        choose_device("cuda")
    with pytest.raises(InputError, match="no device 'tpu'"):
        choose_device("tpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("auto") == choose_device("cuda") == "cuda"
    assert choose_device("cpu") == "cpu"
    tensor = torch.ones(2)
    assert send(tensor, "cpu") is tensor
    assert free_memory("cpu") > 0
