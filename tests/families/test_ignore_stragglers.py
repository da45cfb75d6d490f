import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcopt.errors import InputError
from gcopt.families import ignore_stragglers
from tests.helpers import dense, straggler_sets


@given(n=st.integers(1, 8), data=st.data())
def test_the_scaled_sum_is_unbiased_over_uniform_stragglers(n, data):
    s = data.draw(st.integers(0, n - 1))
    code = ignore_stragglers(n, s)
    assert code.segments[0].decoder == "scaled"
    assert code.segments[0].stragglers == s
    estimates = [np.delete(dense(code), lost, axis=0).sum(axis=0) * n / (n - s) for lost in straggler_sets(n, s)]
    np.testing.assert_allclose(np.mean(estimates, axis=0), 1.0, rtol=1e-12)


def test_it_does_not_promise_exactness():
    assert {c.kind for c in ignore_stragglers(5, 2).claims} == {"unbiased", "load", "replication"}


def test_all_workers_cannot_be_ignored():
    with pytest.raises(InputError, match="stragglers is 5"):
        ignore_stragglers(5, 5)
