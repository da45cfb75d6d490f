import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gcopt
from gcopt.errors import GcoptError, ImpossibleError, InputError, UnknownError
from gcopt.families import fractional_repetition, one_bit
from tests.families.enumeration import independent
from tests.helpers import claim


def shared(code):
    """How many workers hold any two partitions, shape (k, k)."""
    held = code.support.toarray().astype(int)
    return held.T @ held


@pytest.mark.parametrize(
    ("parameters", "replication", "both"),
    [
        ({"workers": 8, "allocation": "hadamard"}, 4, 2),
        ({"workers": 12, "allocation": "hadamard", "partitions": 5}, 6, 3),
        ({"workers": 9, "allocation": "affine-plane"}, 3, 1),
        ({"workers": 16, "allocation": "affine-plane"}, 4, 1),
        ({"workers": 7, "allocation": "symmetric", "replication": 3}, 3, 1),
        ({"workers": 5, "allocation": "symmetric", "replication": 1}, 1, 0),
        ({"workers": 5, "allocation": "symmetric", "replication": 5}, 5, 5),
    ],
)
def test_designs_share_equally_many_workers(parameters, replication, both):
    code = one_bit(probability=0.25, **parameters)
    expected = np.full((code.partitions, code.partitions), both)
    np.fill_diagonal(expected, replication)
    np.testing.assert_array_equal(shared(code), expected)


def test_cyclic_and_groups_are_what_they_are_called():
    cyclic = one_bit(4, 0.25, 2, allocation="cyclic").support.toarray().astype(int)
    np.testing.assert_array_equal(cyclic, [[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1], [1, 0, 0, 1]])
    groups = one_bit(6, 0.25, 3, allocation="fractional-repetition")
    np.testing.assert_array_equal(groups.support.toarray(), fractional_repetition(6, 2).support.toarray())


def test_no_three_lines_meet_and_hadamard_loads_are_even():
    assert one_bit(25, 0.1, allocation="affine-plane", partitions=5).load == 2
    assert np.ptp(one_bit(16, 0.1, allocation="hadamard").segments[0].load) <= 4


@given(n=st.integers(1, 7), data=st.data())
@settings(deadline=None, max_examples=40)
def test_unbiased_with_exactly_the_promised_error_also_for_unequal_workers(n, data):
    copies = data.draw(st.lists(st.integers(1, n), min_size=1, max_size=5))
    p = np.array(data.draw(st.lists(st.floats(0, 0.9), min_size=n, max_size=n)))
    allocation = data.draw(st.sampled_from(["random", "cyclic"]))
    code = one_bit(n, p.tolist(), copies, allocation=allocation, rng=1)
    assert code.segments[0].replication.tolist() == copies
    mean, error, _ = independent(code, p)
    np.testing.assert_allclose(mean, 1.0)
    promised = p / (1 - p) @ (code.support.toarray() @ (1 / np.array(copies) ** 2))
    assert claim(code, "mean") == pytest.approx(promised, abs=1e-12)
    assert error == pytest.approx(promised, abs=1e-12)


def test_the_compressor_comes_along_and_claims_are_proved():
    code = one_bit(8, 0.25, allocation="hadamard", compressor=gcopt.compression.Dither("norm"))
    assert code.parameters["compressor"] == str(code.compressor) == "dither1:norm"
    assert {check.status for check in gcopt.verify(code).checks} == {"proved"}
    assert gcopt.verify(code).to_dict()["compressor"] == "dither1:norm"


@pytest.mark.parametrize(
    ("parameters", "kind", "words"),
    [
        ({"probability": 1.0}, InputError, "probability is 1; below 1"),
        ({"probability": 1.5}, InputError, "probability is 1.5"),
        ({"probability": [0.1]}, InputError, "probability is 1 numbers"),
        ({"probability": [0.1] * 9 + [1.0]}, InputError, r"probability\[9\] is 1; below 1"),
        ({"replication": 11}, InputError, "replication is 11; an integer from 1 to 10"),
        ({"replication": None}, InputError, "replication is missing; allocation random needs it"),
        ({"allocation": "star"}, InputError, "allocation is 'star'; one of random, cyclic"),
        ({"compressor": "star"}, InputError, "compress is 'star'"),
        ({"allocation": "fractional-repetition"}, ImpossibleError, "replication = 2; .*workers = 9; workers = 12"),
        ({"allocation": "hadamard", "replication": None}, ImpossibleError, "workers = 8; workers = 12"),
        ({"allocation": "hadamard", "workers": 92, "replication": None}, UnknownError, "workers = 88; workers = 96"),
        (
            {"allocation": "hadamard", "workers": 8, "partitions": 8, "replication": 4},
            ImpossibleError,
            "partitions = 7",
        ),
        ({"allocation": "affine-plane", "replication": None}, ImpossibleError, "workers = 9; workers = 4"),
        ({"allocation": "affine-plane", "workers": 9, "replication": 2}, ImpossibleError, "replication = 3"),
        ({"allocation": "symmetric", "workers": 8}, ImpossibleError, "workers = 7"),
        ({"allocation": "symmetric", "workers": 7, "replication": [3, 2]}, ImpossibleError, "equally many"),
    ],
)
def test_bad_parameters_say_what_would_work(parameters, kind, words):
    with pytest.raises(GcoptError, match=words) as caught:
        one_bit(**{"workers": 10, "probability": 0.1, "replication": 3, **parameters})
    assert type(caught.value) is kind
    assert "\n" not in str(caught.value)


def test_existence_names_the_nearest():
    answer = gcopt.exists("one-bit", workers=10, probability=0.1, allocation="hadamard")
    assert (answer.answer, answer.nearest) == ("no", ({"workers": 8}, {"workers": 12}))
