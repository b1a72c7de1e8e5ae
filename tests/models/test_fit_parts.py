"""Parts of fitting: losses against slow references, views and masks, gradients in parts."""

import numpy as np
import pytest
import torch
from fit_support import planted_records, write_encoder
from hypothesis import given, settings
from hypothesis import strategies as st

from osler.base.errors import InputError
from osler.models.fit.batches import chosen, generator, mask, masked_batch, steps_of_epoch, view, view_batch
from osler.models.fit.gradients import Workers, backward, divide, make_workers
from osler.models.fit.losses import class_weights, contrastive_loss, label_loss, means_of_windows
from osler.models.fit.network import make_network
from osler.models.fit.objectives import make_objective
from osler.models.fit.records import make_records
from osler.models.fit.settings import FitSettings, parse_fit_settings
from osler.models.recipes import recipe
from osler.models.tokenizer import load_tokenizer
from osler.represent.windows import windows_of_pieces


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_encoder(tmp_path_factory.mktemp("fit") / "tiny")


def test_contrastive_loss_equals_a_slow_reference():
    rng = np.random.default_rng(0)
    one, two = rng.normal(size=(6, 5)), rng.normal(size=(6, 5))
    person = np.array([0, 1, 0, 2, 3, 1])

    def cosine(a, b):
        return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))

    total = 0.0
    for here, there in ((one, two), (two, one)):
        for i in range(6):
            against = [j for j in range(6) if j == i or person[j] != person[i]]
            scores = np.array([np.exp(cosine(here[i], there[j]) / 0.1) for j in against])
            total -= np.log(scores[against.index(i)] / scores.sum())
    ours = contrastive_loss(torch.tensor(one), torch.tensor(two), person, temperature=0.1)
    assert abs(float(ours) - total / 12) < 1e-9
    alone = contrastive_loss(torch.tensor(one), torch.tensor(two), np.arange(6), temperature=0.1)
    assert float(alone) > float(ours)  # fewer negatives, smaller loss


def test_records_of_one_person_alone_have_nothing_to_be_told_from():
    vectors = torch.randn(3, 4)
    assert float(contrastive_loss(vectors, vectors * 2 + 1, np.zeros(3, dtype=int), temperature=0.1)) == 0


def test_class_weights_balance_and_refuse_one_class():
    label = np.array([True, False, False, False])
    low, high = class_weights(label)
    assert abs(low * 3 - high) < 1e-12
    logits = torch.tensor([0.3, -1.0, 2.0, 0.0])
    chance = 1 / (1 + np.exp(-logits.numpy()))
    slow = np.mean([-high * np.log(chance[0]), *(-low * np.log(1 - chance[1:]))])
    assert abs(float(label_loss(logits, label, (low, high))) - slow) < 1e-6
    with pytest.raises(InputError, match="one class"):
        class_weights(np.ones(4, dtype=bool))


def test_means_of_windows_weigh_by_tokens():
    vectors = torch.tensor([[1.0, 0.0], [0.0, 1.0], [5.0, 5.0]])
    means = means_of_windows(vectors, np.array([0, 0, 1]), np.array([3, 1, 0]), 2)
    assert means.tolist() == [[0.75, 0.25], [5.0, 5.0]]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.lists(st.integers(0, 50), max_size=9), min_size=1, max_size=12),
    st.integers(1, 10),
    st.integers(0, 99),
)
def test_windows_are_those_of_encoding_and_views_hold_whole_pieces_of_their_record(ids, room, seed):
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 6, size=8)
    place = rng.integers(len(ids), size=counts.sum())
    records = make_records(ids, place, counts, np.arange(8), room=room, content_hash="")
    expected = windows_of_pieces(ids, place, counts, room=room)
    made = [records.join(records.of(i)) for i in range(8)]
    assert [one for windows in made for one in windows] == expected.ids
    assert [len(windows) for windows in made] == np.bincount(expected.owner, minlength=8).tolist()
    assert records.n_cut == expected.n_cut
    for record in range(8):
        seen = view(records, record, rng, dropout=0.5)
        own = sorted(records.pieces[i] for i in records.of(record))
        assert len(seen) <= room
        assert made_of(seen, own)


def made_of(ids, pieces):
    """Whether ids are some of the pieces, each at most once, laid end to end."""
    if not ids:
        return True
    return any(
        piece and ids[: len(piece)] == piece and made_of(ids[len(piece) :], pieces[:i] + pieces[i + 1 :])
        for i, piece in enumerate(pieces)
    )


def test_views_drop_and_shuffle(tiny):
    records = planted_records(tiny)
    views = {tuple(view(records, 0, generator(0, i), dropout=0.5)) for i in range(50)}
    assert len(views) > 20
    batch = view_batch(records, np.array([3, 1]), generator(0), 0.5)
    assert batch.owner.tolist() == [0, 1, 0, 1]
    assert batch.person.tolist() == [3, 1]
    every = [token for piece in records.of(0) for token in records.pieces[piece]]
    whole = [view(records, 0, generator(1, i), dropout=0.0) for i in range(4)]
    assert all(sorted(one) == sorted(every) for one in whole)
    assert len({tuple(one) for one in whole}) > 1


def test_masking_rates():
    ids = list(range(1000, 1200)) * 100
    hidden, (told, original) = mask(ids, generator(0), share=0.15, mask_id=103, vocabulary=30522)
    assert abs(len(told) / len(ids) - 0.15) < 0.01
    assert original == [ids[i] for i in told]
    at = np.array([hidden[i] for i in told])
    assert abs((at == 103).mean() - 0.8) < 0.02
    assert abs((at == np.array(original)).mean() - 0.1) < 0.02
    untouched = set(range(len(ids))) - set(told)
    assert all(hidden[i] == ids[i] for i in untouched)


def test_something_is_always_masked():
    for i in range(30):
        batch = masked_batch([[7], [8, 9]], generator(i), share=0.01, mask_id=103, vocabulary=200)
        assert sum(len(told) for told, _ in batch.told) >= 1


@settings(deadline=None)
@given(st.integers(1, 90), st.integers(2, 20))
def test_each_epoch_sees_each_example_once(n, batch):
    steps = steps_of_epoch(n, batch=batch)
    for epoch in (0, 3):
        seen = [chosen(n, epoch * steps + i, batch=batch, seed=5) for i in range(steps)]
        assert sorted(np.concatenate(seen).tolist()) == list(range(n))
        assert max(map(len, seen)) <= batch


@pytest.mark.parametrize("objective", ["contrastive", "mlm", "supervised"])
def test_gradients_in_parts_equal_the_whole_and_do_not_depend_on_threads_or_memory(tiny, objective):
    records = planted_records(tiny, label=objective == "supervised")
    facts, tokenizer = recipe(tiny), load_tokenizer(tiny)

    def gradient(*, part, threads, memory):
        setting = FitSettings(objective=objective, method="full", memory=memory)
        network = make_network(facts, tokenizer, setting)
        made = make_objective(network, records, setting)
        batch = made.batch(np.arange(12), generator(3))
        with make_workers(network, setting, threads=threads) as workers:
            hands = workers
            if memory < 1:  # holds less than the batch: parts are computed twice
                hands = Workers(workers.pool, workers.at_once, kept=0)
            loss = backward(network, made, batch, hands, part=part)
        gradients = [one.grad for one in network.learns.values() if one.grad is not None]
        return loss, torch.cat([one.flatten() for one in gradients])

    whole_loss, whole = gradient(part=10**6, threads=1, memory=4.0)
    loss, parts = gradient(part=40, threads=1, memory=4.0)
    assert abs(loss - whole_loss) < 1e-5
    assert (parts - whole).abs().max() < 1e-4 * whole.abs().max()
    for threads, memory in ((3, 4.0), (2, 0.9)):
        again_loss, again = gradient(part=40, threads=threads, memory=memory)
        assert again_loss == loss
        assert torch.equal(again, parts)


def test_parts_fit_their_budget():
    lengths = [3, 9, 4, 9, 1, 30]
    parts = divide(lengths, 20)
    assert sorted(i for part in parts for i in part) == list(range(6))
    assert all(len(part) == 1 or len(part) * max(lengths[i] for i in part) <= 20 for part in parts)


def test_a_batch_equals_one_text_at_a_time_without_padding(tiny):
    network = make_network(recipe(tiny), load_tokenizer(tiny), FitSettings())
    ids = [[2000, 2001, 2002], [3000], list(range(4000, 4015))]
    together = network.vectors(ids).detach()
    for one, vector in zip(ids, together, strict=True):
        whole = torch.tensor([[101, *one, 102]])
        with torch.no_grad():
            alone = network.model(input_ids=whole).last_hidden_state[0].mean(dim=0)
        assert (alone / alone.norm() - vector).abs().max() < 1e-5


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"rank": 0}, "rank"),
        ({"method": "full", "rank": 8}, "'rank' says nothing for method 'full'"),
        ({"objective": "mlm", "temperature": 0.1}, "'temperature' says nothing"),
        ({"objective": "next"}, "objective"),
        ({"steps": 0}, "steps"),
    ],
)
def test_settings_that_do_not_apply_are_refused(values, said):
    with pytest.raises(InputError, match=said):
        parse_fit_settings(values, where="osler encoders fit")


def test_too_few_texts_are_refused():
    one = np.ones(7, dtype=np.int64)
    with pytest.raises(InputError, match="too few texts"):
        make_records([[5]], one * 0, one, np.arange(7), room=5, content_hash="")
    one = np.ones(9, dtype=np.int64)
    with pytest.raises(InputError, match="too few texts"):
        make_records([[5]], one * 0, one, one, room=5, content_hash="")
