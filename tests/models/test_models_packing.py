"""Rows of texts, positions, attention within each text and pooling, written out by hand or by brute force."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from osler.models.facts import POOLINGS
from osler.models.packing import Run, attend, pack, rounded
from osler.models.pooling import model_inputs, pool
from osler.models.recipes import recipe


def _packed(lead=0):
    return pack([[5, 6, 7], [8], [9]], prefix=[1], suffix=[2], pad_id=0, lead=lead)


def test_texts_stand_one_after_another_and_the_row_is_filled_up():
    packed = _packed()
    assert packed.tokens.tolist() == [1, 5, 6, 7, 2, 1, 8, 2, 1, 9, 2, 0, 0, 0, 0, 0]
    assert packed.positions.tolist() == [0, 1, 2, 3, 4, 0, 1, 2, 0, 1, 2, 0, 1, 2, 3, 4]
    assert packed.runs == (Run(0, 1, 5), Run(5, 2, 3), Run(11, 1, 5))
    assert (packed.text_starts.tolist(), packed.text_lengths.tolist()) == ([1, 6, 9], [3, 1, 1])


def test_the_instruction_is_no_text_and_an_empty_text_counts_whole():
    packed = _packed(lead=1)
    assert (packed.text_starts.tolist(), packed.text_lengths.tolist()) == ([2, 5, 8], [2, 3, 3])


def test_a_model_is_given_positions_and_the_direction_of_its_attention():
    inputs = model_inputs(_packed(), recipe("qwen3-embedding-0.6b"), None)
    assert inputs["position_ids"].tolist() == [_packed().positions.tolist()]
    assert (inputs["use_cache"], inputs["looks_back"]) == (False, True)
    assert model_inputs(_packed(), recipe("gte-qwen2-1.5b"), None)["looks_back"] is False
    assert set(model_inputs(_packed(), recipe("minilm"), None)) == {
        "input_ids",
        "position_ids",
        "runs",
        "looks_back",
    }


def test_pooling_reads_each_text_and_never_what_fills_the_row():
    packed = _packed()
    values = torch.from_numpy(np.where(packed.tokens > 0, packed.tokens, np.nan)).unsqueeze(-1)
    expected = {"mean": [21 / 5, 11 / 3, 4], "cls": [1, 1, 1], "last": [2, 2, 2], "text": [6, 8, 9]}
    assert set(expected) == set(POOLINGS)
    for pooling, result in expected.items():
        assert pool(values, packed, pooling)[:, 0].tolist() == pytest.approx(result)


def test_few_shapes_are_made_and_little_is_filled_in():
    n = np.arange(1, 20_000)
    shapes = np.array([rounded(int(one)) for one in n])
    assert (shapes >= n).all()
    assert (shapes - n <= np.maximum(8, n / 32)).all()
    assert len(np.unique(shapes[2048:4096])) <= 34
    assert len(np.unique(shapes)) < 250


def _by_hand(query, key, value, lengths, *, looks_back, window):
    """Attention token by token, in float64."""
    heads, n_tokens, width = query.shape
    text = np.repeat(np.arange(len(lengths)), lengths)
    made = np.zeros((n_tokens, heads, width))
    for head in range(heads):
        shared = head * len(key) // heads
        for i in range(n_tokens):
            seen = [
                j
                for j in range(n_tokens)
                if text[i] == text[j]
                and (not looks_back or j <= i)
                and (window is None or abs(i - j) < window)
            ]
            score = key[shared, seen] @ query[head, i] / np.sqrt(width)
            weight = np.exp(score - score.max())
            made[i, head] = weight / weight.sum() @ value[shared, seen]
    return made


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.integers(1, 7), min_size=1, max_size=5),
    st.booleans(),
    st.sampled_from([None, 1, 3, 6]),
    st.sampled_from([(2, 2), (4, 2), (2, 1)]),
    st.integers(0, 1000),
)
def test_every_text_sees_itself_alone(lengths, looks_back, window, heads, seed):
    packed = pack([[1] * n for n in lengths], prefix=[], suffix=[], pad_id=0)
    n_tokens = len(packed.tokens)
    random = np.random.default_rng(seed)
    arrays = [random.normal(size=(n, n_tokens, 4)) for n in (heads[0], heads[1], heads[1])]
    made, weights = attend(
        None,
        *(torch.from_numpy(one)[None] for one in arrays),
        None,
        runs=packed.runs,
        looks_back=looks_back,
        sliding_window=window,
    )
    filling = n_tokens - sum(lengths)
    whole = [*lengths, filling] if filling else lengths
    expected = _by_hand(*arrays, whole, looks_back=looks_back, window=window)
    assert weights is None
    assert np.abs(made[0].numpy() - expected).max() < 1e-9
