"""Windows: nothing lost, nothing cut that fits, means as plain numpy gives them."""

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from osler.represent.windows import pack, pieces_of_texts, weighted_mean, windows_of_pieces

pieces_of_ids = st.lists(st.lists(st.integers(0, 99), max_size=25), min_size=1, max_size=8)


@settings(deadline=None, max_examples=150)
@given(st.data(), pieces_of_ids, st.integers(1, 12))
def test_windows_hold_every_token_in_order_and_whole_pieces(data, pieces, room):
    texts = data.draw(st.lists(st.lists(st.integers(0, len(pieces) - 1), min_size=1, max_size=9), max_size=5))
    places = np.array([place for text in texts for place in text], dtype=np.int64)
    counts = np.array([len(text) for text in texts], dtype=np.int64)
    windows = windows_of_pieces(pieces, places, counts, room=room)
    assert windows.n_cut == sum(len(pieces[place]) > room for text in texts for place in text)
    for number, text in enumerate(texts):
        mine = [ids for ids, owner in zip(windows.ids, windows.owner, strict=True) if owner == number]
        assert mine
        assert all(len(ids) <= room for ids in mine)
        assert [t for ids in mine for t in ids] == [t for place in text for t in pieces[place]]
        edges = set(np.cumsum([len(ids) for ids in mine]).tolist())
        at = 0
        for place in text:
            length = len(pieces[place])
            if length <= room:
                assert not any(at < edge < at + length for edge in edges)
            at += length
        # As full as whole pieces allow: no window's first piece would have fitted into the one before.
        if all(len(pieces[place]) <= room for place in text):
            starts = pack(np.array([len(pieces[place]) for place in text]), room).tolist()
            for window, start in zip(mine[:-1], starts[1:], strict=True):
                assert len(window) + len(pieces[text[start]]) > room


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.lists(st.text("ab é你\n:", min_size=1, max_size=6), max_size=5), max_size=6), st.text("x\n")
)
def test_pieces_laid_end_to_end_give_the_texts(texts, tail):
    whole = ["".join(statements) + tail for statements in texts]
    ends = [end for statements in texts for end in np.cumsum([len(s) for s in statements]).tolist()]
    counts = np.array([len(statements) for statements in texts], dtype=np.int64)
    pieces, n_pieces = pieces_of_texts(
        pl.Series(whole, dtype=pl.String), pl.Series(ends, dtype=pl.Int64), counts
    )
    assert n_pieces.tolist() == [max(len(statements), 1) for statements in texts]
    at = 0
    for text, statements, count in zip(whole, texts, n_pieces, strict=True):
        mine = pieces.to_list()[at : at + count]
        assert "".join(mine) == text
        assert mine[:-1] == statements[:-1]
        at += count


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=4), min_size=1, max_size=5), st.booleans())
def test_weighted_mean(weights, normalise):
    rng = np.random.default_rng(0)
    owner = np.repeat(np.arange(len(weights)), [len(w) for w in weights])
    vectors = rng.normal(size=(len(owner), 3)).astype(np.float32)
    flat = np.array([w for text in weights for w in text])
    means = weighted_mean(vectors, owner, flat, len(weights), normalise=normalise)
    for text, mine in enumerate(weights):
        expected = np.average(vectors[owner == text], axis=0, weights=np.maximum(mine, 1))
        if len(mine) == 1:
            assert np.array_equal(means[text], vectors[owner == text][0])
        else:
            length = np.linalg.norm(expected) if normalise else 1
            assert np.allclose(means[text], expected / length, atol=1e-6)
