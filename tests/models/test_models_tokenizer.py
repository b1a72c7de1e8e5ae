"""Tokenizer: counts add up over words, nothing is cut or padded, text never acts as a control token."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osler.base.errors import InputError
from osler.models.tokenizer import load_tokenizer, splits_on_whitespace

CLINICAL = st.text(
    alphabet=st.one_of(
        st.characters(codec="utf-8", exclude_categories=("Cs",)),
        st.sampled_from(" \n\t()[]:/%.,-0123456789aß"),
    ),
    max_size=60,
)


@settings(deadline=None, max_examples=150)
@given(st.lists(CLINICAL, max_size=6))
def test_counts_of_joined_lines_add_up(lines):
    tokenizer = load_tokenizer("minilm")
    assert tokenizer.splits_on_whitespace
    for separator in ("\n", " ", "\n\n", "\t"):
        assert tokenizer.count([separator.join(lines)])[0] == tokenizer.count(lines).sum()


@settings(deadline=None, max_examples=60)
@given(st.lists(CLINICAL, min_size=1, max_size=20))
def test_ids_of_joined_lines_are_the_ids_of_the_lines(lines):
    tokenizer = load_tokenizer("minilm")
    joined = [token for ids in tokenizer.encode(lines) for token in ids]
    assert tokenizer.encode(["\n".join(lines)])[0] == joined


@settings(deadline=None, max_examples=15)
@given(st.lists(CLINICAL, min_size=1, max_size=20))
def test_counting_many_texts_by_words_equals_counting_each(lines):
    tokenizer = load_tokenizer("minilm")
    many = lines * (2000 // len(lines) + 1)
    assert np.array_equal(tokenizer.count(many), np.resize(tokenizer.count(lines), len(many)))


def test_long_texts_are_counted_whole():
    assert load_tokenizer("minilm").count(["sodium " * 5000]).tolist() == [5000]


def test_control_tokens_in_a_record_are_text():
    tokenizer = load_tokenizer("minilm")
    [ids] = tokenizer.encode(["[SEP]"])
    assert len(ids) == 3
    assert not {*tokenizer.prefix, *tokenizer.suffix} & set(ids)


def test_special_tokens_and_room():
    tokenizer = load_tokenizer("minilm")
    assert (tokenizer.prefix, tokenizer.suffix, tokenizer.context, tokenizer.room) == (
        (101,),
        (102,),
        256,
        254,
    )


@pytest.mark.parametrize(
    ("pre_tokenizer", "expected"),
    [
        ({"type": "BertPreTokenizer"}, True),
        ({"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, {"type": "Punctuation"}]}, True),
        ({"type": "Sequence", "pretokenizers": [{"type": "Punctuation"}]}, False),
        ({"type": "ByteLevel"}, False),
        ({"type": "Metaspace"}, False),
        (None, False),
    ],
)
def test_which_tokenizers_split_on_white_space(pre_tokenizer, expected):
    file = {"pre_tokenizer": pre_tokenizer, "normalizer": {"type": "BertNormalizer"}, "added_tokens": []}
    assert splits_on_whitespace(file) is expected


def test_added_tokens_and_replacing_normalisers_join_words():
    file = {"pre_tokenizer": {"type": "BertPreTokenizer"}, "added_tokens": [{"content": "heart failure"}]}
    assert not splits_on_whitespace(file)
    assert not splits_on_whitespace({**file, "added_tokens": [], "normalizer": {"type": "Replace"}})


def test_unknown_encoder_names_the_known_ones(tmp_path):
    with pytest.raises(InputError, match="minilm"):
        load_tokenizer("nothing")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(InputError, match=r"tokenizer\.json"):
        load_tokenizer(str(tmp_path))
