import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gcopt
from gcopt.errors import InputError
from gcopt.families import random_regular, random_signs, soft_design, stacked
from tests.helpers import claim, dense, least_squares, straggler_sets

FANO = {"family": "circulant", "workers": 7, "stragglers": 1, "shifts": [0, 1, 3]}


@pytest.mark.parametrize(("s", "value"), list(enumerate([7.0, 7.25, 7.571429, 8.0, 8.6, 9.5, 11.0])))
def test_the_fano_plane_has_the_published_error_for_every_set(s, value):
    code = stacked(FANO, 2, s)
    found = [least_squares(dense(code), lost, 2)[0] for lost in straggler_sets(7, s)]
    np.testing.assert_allclose(found, value, atol=5e-7)
    assert claim(code, "error") == pytest.approx(value, abs=5e-7)
    assert claim(code, "mean") == pytest.approx(value, abs=5e-7)
    assert claim(random_signs(FANO, 2, s, rng=0), "error") == pytest.approx(value, abs=5e-7)


@given(m=st.integers(1, 3), s=st.integers(0, 4), seed=st.integers(0, 9))
@settings(max_examples=15, deadline=None)
def test_every_set_loses_what_one_block_loses_and_all_other_blocks(m, s, seed):
    base = random_regular(6, s, 2, partitions=4, rng=seed)
    code = stacked(base, m, s)
    for lost in list(straggler_sets(6, s))[:5]:
        one = least_squares(dense(base), lost)[0]
        assert least_squares(dense(code), lost, m)[0] == pytest.approx((m - 1) * 4 + one, abs=1e-9)
    assert claim(code, "error") == pytest.approx((m - 1) * 4 + claim(base, "error"))


def test_unequal_loads_promise_a_mean_and_verify_proves_it():
    code = stacked(soft_design(7, 2, 3, rng=0), 2, 2)
    assert {check.claim.kind for check in gcopt.verify(code).checks} == {"load", "replication", "mean"}
    assert all(check.status == "proved" for check in gcopt.verify(code).checks)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: stacked(FANO, 0, 1), "blocks is 0"),
        (lambda: stacked(FANO, 2, 7), "stragglers is 7"),
        (lambda: stacked({"family": "nobody"}, 2, 1), "nobody"),
    ],
)
def test_bad_parameters_say_what_would_work(make, words):
    with pytest.raises(InputError, match=words):
        make()
