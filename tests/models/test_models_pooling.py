"""Padding, positions, masks and pooling, written out by hand on two short texts."""

import numpy as np
import pytest
import torch

from osler.models.facts import POOLINGS
from osler.models.pooling import model_inputs, pad_batch, pool
from osler.models.recipes import recipe


def _batch(side, lead=0):
    return pad_batch([[5, 6, 7], [8]], prefix=[1], suffix=[2], pad_id=9, side=side, lead=lead)


def test_padding_is_on_the_side_that_is_asked_for():
    right, left = _batch("right"), _batch("left")
    assert right.tokens.tolist() == [[1, 5, 6, 7, 2], [1, 8, 2, 9, 9]]
    assert left.tokens.tolist() == [[1, 5, 6, 7, 2], [9, 9, 1, 8, 2]]
    assert right.real.tolist() == [[True] * 5, [True, True, True, False, False]]
    assert left.real.tolist() == [[True] * 5, [False, False, True, True, True]]
    assert right.text.tolist() == [[False, True, True, True, False], [False, True, False, False, False]]
    assert left.text.tolist() == [[False, True, True, True, False], [False, False, False, True, False]]


def test_the_instruction_is_no_text_and_an_empty_text_counts_whole():
    assert _batch("left", lead=1).text.tolist() == [
        [False, False, True, True, False],
        [False, False, True, True, True],
    ]


def test_positions_count_from_the_first_real_token():
    inputs = model_inputs(_batch("left"), recipe("qwen3-embedding-0.6b"))
    assert inputs["position_ids"].tolist() == [[0, 1, 2, 3, 4], [0, 0, 0, 1, 2]]
    assert inputs["attention_mask"].tolist() == [[1] * 5, [0, 0, 1, 1, 1]]
    assert inputs["use_cache"] is False
    assert set(model_inputs(_batch("right"), recipe("minilm"))) == {"input_ids", "attention_mask"}


def test_a_bidirectional_decoder_is_always_given_its_mask():
    gte = recipe("gte-qwen2-1.5b")
    mask = model_inputs(_batch("left"), gte)["attention_mask"]
    assert mask.shape == (2, 1, 5, 5)
    assert mask[1, 0].tolist() == [[False, False, True, True, True]] * 5
    one = pad_batch([[5, 6]], prefix=[], suffix=[], pad_id=0, side="left")
    assert model_inputs(one, gte)["attention_mask"].all()


@pytest.mark.parametrize("side", ["left", "right"])
def test_pooling_never_reads_padding(side):
    batch = _batch(side)
    values = torch.from_numpy(np.where(batch.real, batch.tokens, np.nan)).float().unsqueeze(-1)
    expected = {"mean": [21 / 5, 11 / 3], "cls": [1, 1], "last": [2, 2], "text": [6, 8]}
    assert set(expected) == set(POOLINGS)
    for pooling, result in expected.items():
        assert pool(values, batch, pooling)[:, 0].tolist() == pytest.approx(result)
