from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcopt.errors import InputError
from gcopt.families import FAMILIES, two_stage
from tests.helpers import claim, dense, worst_error


@settings(max_examples=30, deadline=None)
@given(n=st.integers(1, 8), alpha=st.floats(1.01, 50), data=st.data())
def test_each_stage_keeps_its_own_promise(n, alpha, data):
    s = data.draw(st.integers(0, n - 1))
    code = two_stage(n, s, alpha)
    assert code.shares == pytest.approx([(s + 1) / (s + alpha), (alpha - 1) / (s + alpha)])
    assert worst_error(dense(code, 0), 0) < 1e-20
    assert worst_error(dense(code, 1), s) < 1e-12 * n
    assert claim(code, "load", 0) == 1
    assert claim(code, "load", 1) == s + 1
    exact = {(c.segment, c.stragglers) for c in code.claims if c.kind == "exact"}
    assert exact == {(0, 0), (1, s)}


@pytest.mark.parametrize(("n", "s", "alpha"), [(6, 2, 3.0), (9, 4, 1.5), (5, 1, 6.0)])
def test_times_of_the_paper(n, s, alpha):
    code = two_stage(n, s, alpha)
    work = np.cumsum(code.shares * [segment.load.max() for segment in code.segments])
    for times in np.random.default_rng(0).exponential(size=(20, n)):
        in_order = np.sort(times)
        ends = max(in_order[-1] * work[0], in_order[n - s - 1] * work[1])
        assert ends == pytest.approx((s + 1) / (s + alpha) * max(alpha * in_order[n - s - 1], in_order[-1]))


def test_candidates_build():
    family = FAMILIES["two-stage"]
    cluster = SimpleNamespace(workers=16, speeds=np.ones(16), job=SimpleNamespace(partitions=None))
    built = [family(**p) for p in family.candidates(cluster)]
    assert {c.segments[1].stragglers for c in built} == {1, 2, 3, 4, 7, 15}


@pytest.mark.parametrize("alpha", [1, 0.5, -2.0, float("nan"), float("inf"), "fast", True])
def test_alpha_must_be_a_number_above_one(alpha):
    with pytest.raises(InputError, match="alpha is"):
        two_stage(4, 1, alpha)
