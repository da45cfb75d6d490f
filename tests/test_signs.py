"""Signs that are drawn anew: the factors, the object that carries them, and averages over their draws."""

import pickle
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

import gcopt
from gcopt.averages import mean_error
from gcopt.code import GradientCode, Segment
from gcopt.decoding import Decoder, Fresh, residual
from gcopt.decoding.fixed import FIXED, block_signs
from gcopt.errors import InputError
from gcopt.families import random_signs
from gcopt.files import export, load, save
from gcopt.redrawn import mean_over_draws, moments_over_draws
from gcopt.signs import Signs
from gcopt.verification import verify
from tests.helpers import straggler_sets
from tests.matrices import FANO, PETERSEN

ASSIGNMENT = {"family": "circulant", "workers": 7, "stragglers": 1, "shifts": [0, 1, 3]}
ROW = {"family": "matrix", "matrix": [[1.0, 1.0]] * 3}


def all_signs(assignment, blocks):
    """Every code with signs for blocks 1, 2, ..; those of block 0 may be +1, as only products matter."""
    n = len(assignment)
    for free in product((-1.0, 1.0), repeat=n * (blocks - 1)):
        signs = np.vstack([np.ones(n), np.reshape(free, (blocks - 1, n))])
        yield Segment(np.hstack([sign[:, None] * assignment for sign in signs]), blocks)


def test_factors_follow_from_seed_and_draw_alone():
    signs = Signs(seed=3, epsilon=0.5)
    first, again = signs.factors(4, 50, 3), Signs(seed=3, epsilon=0.5, draw=9).factors(4, 50, 3)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, signs.factors(5, 50, 3))
    assert not np.array_equal(first, Signs(seed=4, epsilon=0.5).factors(4, 50, 3))
    assert np.abs(first).min() >= 0.5
    assert np.abs(first).max() <= 1.5


def test_factors_have_the_moments_that_are_promised():
    signs = Signs(seed=1, epsilon=0.6)
    h = signs.factors(0, 40_000, 2)
    assert abs(h.mean()) < 0.02
    assert abs(np.mean(h[:, 0] * h[:, 1])) < 0.02
    assert np.abs(h).mean() == pytest.approx(1.0, abs=0.01)
    assert np.mean(h**2) == pytest.approx(signs.square, rel=0.01)
    assert np.mean(h**2) * np.mean(h**-2.0) == pytest.approx(signs.spread, rel=0.02)
    assert set(np.unique(Signs(seed=1).factors(0, 100, 2))) == {-1.0, 1.0}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"epsilon": 1.0}, "epsilon is 1; below 1"),
        ({"epsilon": -0.1}, "epsilon"),
        ({"epsilon": float("nan")}, "epsilon"),
        ({"seed": -1}, "seed"),
        ({"draw": 0.5}, "draw"),
    ],
)
def test_impossible_signs_are_refused(given, words):
    with pytest.raises(InputError, match=words):
        Signs(**{"seed": 0, **given})


def test_a_draw_multiplies_the_blocks_of_every_worker():
    code = random_signs(ASSIGNMENT, 3, 1, epsilon=0.3, rng=8)
    segment = code.segments[0]
    for draw in (0, 5):
        h = segment.signs.factors(draw, 7, 3)
        wanted = np.hstack([h[:, [u]] * FANO / 3 for u in range(3)])
        assert np.allclose(code.at(draw).segments[0].encoding.toarray(), wanted, rtol=1e-14, atol=0)
    assert code.at(0).segments[0].encoding is segment.encoding
    assert np.allclose(code.at(5).at(2).segments[0].encoding.toarray(), code.at(2).segments[0].encoding.toarray())
    plain = gcopt.families.uncoded(3)
    assert plain.at(5) is plain
    assert not plain.redraws


def test_a_code_with_signs_survives_files_and_processes(tmp_path):
    code = random_signs(ASSIGNMENT, 2, 1, epsilon=0.25, rng=8)
    for back in (load(save(code, tmp_path / "code.npz")), pickle.loads(pickle.dumps(code))):
        assert back.segments[0].signs == code.segments[0].signs
        assert abs(back.at(3).segments[0].encoding - code.at(3).segments[0].encoding).max() == 0.0
    bare = load(export(code.at(3), tmp_path / "draw.mtx"), blocks=2)
    assert abs(bare.segments[0].encoding - code.at(3).segments[0].encoding).max() == 0.0


@pytest.mark.parametrize("decoder", ["one-step", "scaled", "sum"])
@pytest.mark.parametrize("assignment", [FANO, PETERSEN, np.array([[1.0, 1, 0, 0], [0, 1, 1, 1], [1, 0, 1, 1]])])
def test_fixed_decoders_have_the_averages_of_all_signs_and_sets(decoder, assignment):
    """Where patterns are many, some of them: the diagonal blocks never depend on the signs."""
    n = len(assignment)
    base = {"family": "matrix", "matrix": assignment.tolist()}
    code = random_signs(base, 2, 1, decoder=decoder, probability=0.25 if decoder == "sum" else None, rng=0)
    segment = code.segments[0]
    options = {"stragglers": 1, "probability": None, "samples": 2, "rng": np.random.default_rng(0)}
    found = moments_over_draws(segment, **options)
    assert found.exact
    if n > 7:
        drawn = [mean_error(Decoder(segment.at(t)), **options).value for t in range(300)]
        assert found.error.value == pytest.approx(np.mean(drawn), rel=0.05)
        return
    shared, heard = np.abs(segment.encoding.toarray()[:, : assignment.shape[1]]), ~np.eye(n, dtype=bool)
    weight = float(FIXED[decoder](segment).factors(n - 1))
    errors = [
        residual(one, np.where(present, weight * block_signs(one).T, 0.0))
        for one in all_signs(shared, 2)
        for present in heard
    ]
    assert found.error.value == pytest.approx(np.mean(errors))
    if decoder != "one-step":
        assert np.allclose(found.mean, np.kron(np.eye(2), found.mean[0, : assignment.shape[1]]), atol=1e-12)


def test_the_one_step_decoder_of_a_design_has_the_published_weight_and_mean():
    """Munim & Ramamoorthy 2026, equation (10), at m = 2 and 3: T1 and T2."""
    wanted = {
        2: [3.5, 4.181818, 5.0, 6.0, 7.25, 8.857143, 11.0],
        3: [8.4, 9.428571, 10.615385, 12.0, 13.636364, 15.6, 18.0],
    }
    for m, values in wanted.items():
        for s, value in enumerate(values):
            code = random_signs(ASSIGNMENT, m, s, decoder="one-step", rng=0)
            assert code.claims[-1].value == pytest.approx(value, abs=5e-7)
            heard = np.arange(7) >= s
            weight = Decoder(code.segments[0])(heard).matrix[:, -1]
            assert np.abs(weight) == pytest.approx(3 * 3 / (3 * m + (7 - s - 1)))


def test_the_mean_of_least_squares_over_draws_is_that_of_all_signs():
    """T1 of Fano, m = 2: the mean over all relative signs and sets."""
    code = random_signs(ASSIGNMENT, 2, 2, rng=4)
    found = mean_over_draws(
        code.segments[0], stragglers=2, probability=None, samples=1500, rng=np.random.default_rng(1)
    )
    assert not found.exact
    assert abs(found.value - 4.598214) < 5 * found.stderr
    assert found.stderr < 0.05


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 3), st.booleans(), st.integers(0, 10**6))
def test_a_fresh_decoder_decodes_as_any_other(n, k, m, complex_, seed):
    rng = np.random.default_rng(seed)
    matrix = rng.standard_normal((n, m * k)) * (rng.random((n, m * k)) < 0.6) * (1 + 1j * complex_)
    matrix[rng.integers(n)] = matrix[rng.integers(n)]
    segment = Segment(matrix, m)
    heard = rng.random(n) < 0.7
    fresh, usual = Fresh(segment)(heard), Decoder(segment)(heard)
    assert fresh.error == pytest.approx(usual.error, abs=1e-9)
    assert np.allclose(fresh.matrix, usual.matrix, atol=1e-6)
    assert not fresh.matrix[:, ~heard].any()


def test_what_is_promised_on_average_is_measured_over_draws():
    code = random_signs(ASSIGNMENT, 2, 1, decoder="sum", probability=0.25, rng=0)
    assert [check.status for check in verify(code).checks] == ["proved"] * 4
    lying = code.with_claims([*(c for c in code.claims if c.kind != "mean"), _with(code, "mean", 0.99)])
    assert [check.status for check in verify(lying).checks][-1] == "refuted"
    least = random_signs(ASSIGNMENT, 2, 1, rng=0)
    report = verify(least, samples=300)
    assert [check.status for check in report.checks] == ["proved", "proved", "sampled", "sampled"]
    assert "draw 0 of the signs" in report.checks[-1].method
    false = verify(least.with_claims([_with(least, "mean", 0.8)]), samples=300)
    assert [check.status for check in false.checks] == ["refuted"]


def _with(code, kind, share):
    claim = next(c for c in code.claims if c.kind == kind)
    return replace(claim, value=share * claim.value)


@pytest.mark.parametrize("decoder", ["one-step", "scaled", "sum"])
def test_with_one_block_signs_change_nothing(decoder):
    given = {"decoder": decoder, "probability": 0.25 if decoder == "sum" else None}
    plain = gcopt.families.circulant(7, 1, shifts=[0, 1, 3], **given)
    code = random_signs(ASSIGNMENT, 1, 1, rng=0, **given)
    heard = np.arange(7) != 3
    for draw in range(3):
        assert Decoder(code.at(draw).segments[0])(heard).error == pytest.approx(Decoder(plain.segments[0])(heard).error)


def test_no_signs_of_one_worker_are_those_of_another():
    """The stacked code is the worst draw; its chance is small, and most draws are better."""
    code = random_signs(ROW, 2, 0, rng=0)
    errors = [Fresh(code.at(t).segments[0])(np.ones(3, dtype=bool)).error for t in range(40)]
    assert min(errors) == pytest.approx(0.0, abs=1e-12)
    assert max(errors) == pytest.approx(2.0)


def test_worst_cases_of_fixed_decoders_with_blocks_are_those_of_enumeration():
    for decoder in ("one-step", "scaled"):
        code = random_signs({"family": "matrix", "matrix": PETERSEN.tolist()}, 2, 3, decoder=decoder, rng=1)
        decode = Decoder(code.segments[0])
        errors = [decode(np.isin(np.arange(10), lost, invert=True)).error for lost in straggler_sets(10, 3)]
        worst = verify(code).segments[0].worst
        assert worst.lower == pytest.approx(max(errors))
        assert worst.upper == pytest.approx(max(errors))


def test_a_segment_takes_any_matrix_for_a_draw():
    matrix = sparse.csr_array(np.array([[1.0, 2.0], [3.0, 0.0]]))
    code = GradientCode((Segment(matrix, 2, signs={"seed": 5}),))
    assert np.array_equal(np.abs(code.at(9).segments[0].encoding.toarray()), matrix.toarray())
