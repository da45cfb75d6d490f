"""Batches: what everybody works out alone is the same, and scaled it is unbiased."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcopt.errors import InputError
from gcopt.training.batches import Batches, partition_windows


@given(st.integers(1, 400), st.integers(1, 60))
def test_partitions_cover_every_row_once(samples, partitions):
    if partitions > samples:
        with pytest.raises(InputError, match="partitions is"):
            partition_windows(samples, partitions)
        return
    windows = partition_windows(samples, partitions)
    assert windows[0, 0] == 0
    assert windows[-1, 1] == samples
    assert (windows[1:, 0] == windows[:-1, 1]).all()
    size = np.diff(windows).ravel()
    assert size.min() >= 1
    assert size.max() - size.min() <= 1
    np.testing.assert_array_equal(
        windows, [[i * samples // partitions, (i + 1) * samples // partitions] for i in range(partitions)]
    )


@settings(deadline=None)
@given(st.integers(1, 12), st.integers(12, 200), st.floats(0.001, 1.0), st.integers(0, 5), st.data())
def test_rows_of_a_batch(partitions, samples, fraction, batch, data):
    batches = Batches(samples, partitions, fraction, seed=3)
    held = np.array(data.draw(st.lists(st.integers(0, partitions - 1), min_size=1, max_size=6, unique=True)))
    windows, owner, scale = batches.rows(batch, held)
    assert (np.diff(owner) >= 0).all()
    for at, partition in enumerate(held.tolist()):
        first, last = partition_windows(samples, partitions)[partition]
        rows = np.concatenate([np.arange(a, b) for a, b in windows[owner == at]])
        assert len(windows[owner == at]) in (1, 2)
        assert len(rows) == len(set(rows)) == min(int(np.ceil(fraction * (last - first))), last - first)
        assert rows.min() >= first
        assert rows.max() < last
        assert scale[at] == (last - first) / len(rows)
        # whoever else holds this partition finds the same rows
        alone, _, same = batches.rows(batch, np.array([partition]))
        np.testing.assert_array_equal(alone, windows[owner == at])
        assert same[0] == scale[at]


def test_every_row_is_equally_likely():
    batches = Batches(30, 3, 0.35, seed=1)
    counts, rounds = np.zeros(30), 3000
    for batch in range(rounds):
        for a, b in batches.rows(batch, np.arange(3))[0]:
            counts[a:b] += 1
    # 4 of 10 rows: a binomial deviation beyond five sigma would be a bias
    assert np.abs(counts / rounds - 0.4).max() < 5 * np.sqrt(0.24 / rounds)


def test_the_whole_data_is_one_window_each_in_order():
    windows, owner, scale = Batches(10, 3).rows(7, np.array([2, 0]))
    assert windows.tolist() == [[6, 10], [0, 3]]
    assert owner.tolist() == [0, 1]
    assert scale.tolist() == [1.0, 1.0]


def test_a_fraction_that_rounds_up_to_everything_draws_nothing():
    windows, _, scale = Batches(10, 5, 0.9, seed=4).rows(1, np.arange(5))
    np.testing.assert_array_equal(windows, partition_windows(10, 5))
    assert (scale == 1.0).all()


def test_seed_and_batch_number_matter():
    drawn = [Batches(1000, 2, 0.1, seed=s).rows(b, np.arange(2))[0].tolist() for s, b in ((0, 0), (0, 1), (1, 0))]
    assert drawn[0] != drawn[1]
    assert drawn[0] != drawn[2]


@pytest.mark.parametrize("fraction", [0.0, -0.5, 1.5, float("nan")])
def test_impossible_fractions(fraction):
    with pytest.raises(InputError, match="fraction is"):
        Batches(10, 2, fraction)


def test_impossible_partitions():
    with pytest.raises(InputError, match="partitions is 11"):
        Batches(10, 11)
    with pytest.raises(InputError, match="0 to 1 exist"):
        Batches(10, 2).rows(0, np.array([2]))
