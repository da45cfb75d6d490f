from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gcopt
from gcopt.combinatorics.existence import design_existence
from gcopt.decoding import Decoder
from gcopt.errors import ImpossibleError, InputError, LimitError, UnknownError
from gcopt.families import affine_plane, block_design, projective_plane, steiner_triple
from tests.families.enumeration import errors
from tests.helpers import claim, dense, least_squares, sampled_sets, straggler_sets

FANO_ERRORS = [0, 1 / 4, 4 / 7, 1, 1.6, 2.5, 4]
ORDER_3_ERRORS = [0, 0.2, 3 / 7, 9 / 13, 1.0]


@pytest.mark.parametrize(("s", "error"), list(enumerate(FANO_ERRORS)))
def test_every_set_of_stragglers_of_the_fano_plane_causes_the_published_error(s, error):
    code = block_design(7, 3, stragglers=s)
    assert claim(code, "error") == pytest.approx(error, abs=1e-15)
    assert claim(code, "mean") == claim(code, "error")
    np.testing.assert_allclose(errors(code, s), error, atol=1e-12)


@pytest.mark.parametrize(("s", "error"), list(enumerate(ORDER_3_ERRORS)))
def test_every_set_of_stragglers_of_the_plane_of_order_3_causes_the_published_error(s, error):
    code = projective_plane(3, stragglers=s)
    assert claim(code, "error") == pytest.approx(error, abs=1e-15)
    np.testing.assert_allclose(errors(code, s), error, atol=1e-12)


@pytest.mark.parametrize(("s", "error"), [(9, 0.890110), (22, 2.538462)])
def test_sets_of_stragglers_of_the_plane_of_order_9_cause_the_published_error(s, error):
    code = block_design(91, 10, s)
    assert claim(code, "error") == pytest.approx(error, abs=5e-7)
    found = [least_squares(dense(code), lost)[0] for lost in sampled_sets(91, s, 20)]
    np.testing.assert_allclose(found, claim(code, "error"), atol=1e-12)


CODES = {
    "fano": projective_plane(2, 3),
    "order 3": projective_plane(3, 4),
    "affine": affine_plane(3, 3),
    "triples of 9": steiner_triple(9, 2),
    "triples of 13": steiner_triple(13, 5),
    "two in common": block_design(16, 6, 4, index=2),
    "no symmetry": block_design(10, 4, 3, index=2),
    "all on all": block_design(4, 4, 2),
}


@pytest.mark.parametrize("name", CODES)
def test_every_claim_is_proved_from_the_matrix(name):
    report = gcopt.verify(CODES[name])
    assert [check.status for check in report.checks] == ["proved"] * 5
    for check in report.checks:
        if check.claim.kind in ("error", "mean"):
            assert check.measured == pytest.approx(check.claim.value, abs=1e-12)


@pytest.mark.parametrize("decoder", ["least-squares", "scaled", "sum"])
@pytest.mark.parametrize("s", [0, 1, 3, 8])
def test_every_set_causes_the_promised_error_with_any_decoder(decoder, s):
    code = affine_plane(3, s, decoder, 0.25 if decoder == "sum" else None)
    decode = Decoder(code.segments[0])
    for lost in straggler_sets(9, s):
        heard = ~np.isin(np.arange(9), lost)
        assert decode(heard).error == pytest.approx(claim(code, "error"), abs=1e-12)


@pytest.mark.parametrize("decoder", ["scaled", "sum"])
def test_every_claim_of_fixed_coefficients_is_proved_too(decoder):
    report = gcopt.verify(projective_plane(3, 3, decoder, 0.25 if decoder == "sum" else None))
    kinds = {check.claim.kind: check.status for check in report.checks}
    assert kinds == dict.fromkeys(("load", "replication", "error", "unbiased", "mean"), "proved")


def test_scaled_answers_lose_more_than_least_squares_by_the_exact_factor():
    for s in range(1, 13):
        best, scaled = (claim(projective_plane(3, s, decoder), "error") for decoder in ("least-squares", "scaled"))
        assert scaled / best == pytest.approx(13 * (16 - s) / (16 * (13 - s)))


def test_the_sum_of_what_arrives_has_the_published_mean_error_of_the_fano_plane():
    assert claim(projective_plane(2, 1, "sum", 0.3), "mean") == pytest.approx(1.0)


POSSIBLE = [
    (v, k, index)
    for v in range(3, 26)
    for k in range(2, v + 1)
    for index in (1, 2, 3)
    if design_existence(v, k, index).answer == "yes"
]


@given(st.sampled_from(POSSIBLE), st.data())
def test_the_two_published_forms_of_the_error_are_one_and_every_set_causes_it(design, data):
    v, k, index = design
    s = data.draw(st.integers(0, v - 1))
    code = block_design(v, k, s, index)
    r = Fraction(index * (v - 1), k - 1)
    published = v * r / k - r**2 * (v - s) / (r + (v - s - 1) * index)
    assert (code.load, code.partitions, code.replication) == (r, v * r / k, k)
    assert claim(code, "error") == pytest.approx(float(published), abs=1e-12)
    lost = data.draw(st.permutations(range(v)))[:s]
    assert least_squares(dense(code), lost)[0] == pytest.approx(float(published), abs=1e-9)


def test_families_by_name_are_the_same_designs():
    same = [
        (projective_plane(3, 2), block_design(13, 4, 2)),
        (affine_plane(4, 2), block_design(16, 4, 2)),
        (steiner_triple(13, 2), block_design(13, 3, 2)),
    ]
    for one, other in same:
        assert (dense(one) == dense(other)).all()
        assert one.claims == other.claims


@pytest.mark.parametrize("v", [3, 7, 9, 13, 15, 19, 21])
def test_any_two_workers_of_a_triple_system_share_one_partition(v):
    held = [set(np.flatnonzero(row)) for row in dense(steiner_triple(v, 1))]
    assert {len(a & b) for a, b in combinations(held, 2)} == {1}


def test_ten_thousand_workers_have_the_error_of_the_formula():
    code = projective_plane(97, 100)
    assert (code.workers, code.partitions, code.load, code.replication) == (9507, 9507, 98, 98)
    assert claim(code, "error") == pytest.approx(100 * 97 / (98**2 - 100))


def test_partitions_cut_into_equal_ones_multiply_the_promised_errors():
    code = projective_plane(2, 2, partitions=21)
    assert (claim(code, "load"), claim(code, "error"), claim(code, "mean")) == pytest.approx((9, 12 / 7, 12 / 7))
    assert [check.status for check in gcopt.verify(code).checks] == ["proved"] * 5


EXISTS = [
    ("block-design", {"workers": 43, "replication": 7}, "no", "Bruck, Ryser 1949"),
    ("block-design", {"workers": 111, "replication": 11}, "no", "Lam, Thiel, Swiercz 1989"),
    ("block-design", {"workers": 157, "replication": 13}, "unknown", "no theorem here forbids it"),
    ("block-design", {"workers": 8, "replication": 3}, "no", "7/2 blocks"),
    ("block-design", {"workers": 13, "replication": 4}, "yes", "PG(2, 3)"),
    ("projective-plane", {"order": 4}, "yes", "field of 4 elements"),
    ("projective-plane", {"order": 6}, "no", "Bruck, Ryser 1949"),
    ("projective-plane", {"order": 10}, "no", "Lam, Thiel, Swiercz 1989"),
    ("projective-plane", {"order": 12}, "unknown", "no prime power"),
    ("affine-plane", {"order": 6}, "no", "completes to a projective one"),
    ("affine-plane", {"order": 9}, "yes", "field of 9 elements"),
    ("affine-plane", {"order": 12}, "unknown", "no prime power"),
    ("steiner-triple", {"workers": 15}, "yes", "Bose"),
    ("steiner-triple", {"workers": 11}, "no", "Kirkman 1847"),
]


@pytest.mark.parametrize(("family", "parameters", "answer", "reason"), EXISTS)
def test_existence_is_answered_with_its_reason_and_the_constructor_agrees(family, parameters, answer, reason):
    found = gcopt.exists(family, **parameters, stragglers=1)
    assert found.answer == answer
    assert reason in found.reason
    make = gcopt.families.FAMILIES[family]
    if answer == "yes":
        assert make(**parameters, stragglers=1).stragglers == 1
        return
    with pytest.raises(ImpossibleError if answer == "no" else UnknownError, match="the nearest that exist"):
        make(**parameters, stragglers=1)
    for nearest in found.nearest:
        assert set(nearest) <= set(make.signature.parameters)
        assert gcopt.exists(family, **nearest, stragglers=1).answer == "yes"


def test_nearest_parameters_are_those_on_both_sides():
    assert gcopt.exists("projective-plane", order=6, stragglers=1).nearest == ({"order": 5}, {"order": 7})
    assert gcopt.exists("steiner-triple", workers=11, stragglers=1).nearest == ({"workers": 9}, {"workers": 13})
    assert gcopt.exists("steiner-triple", workers=2, stragglers=1).nearest == ({"workers": 3},)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: block_design(7, 8, 1), "replication is 8; an integer from 2 to 7 is needed"),
        (lambda: block_design(7, 1, 1), "replication is 1; an integer from 2 to 7"),
        (lambda: block_design(1, 2, 0), "workers is 1; an integer of at least 2"),
        (lambda: block_design(7, 3, 7), "stragglers is 7; an integer from 0 to 6"),
        (lambda: block_design(7, 3, 1, 0), "index is 0; an integer from 1"),
        (lambda: block_design(7, 3, 1, decoder="best"), "decoder is 'best'; one of least-squares"),
        (lambda: projective_plane(1, 1), "order is 1; an integer of at least 2"),
        (lambda: projective_plane(2, 7), "stragglers is 7; an integer from 0 to 6"),
        (lambda: affine_plane("2", 1), "order is '2'; an integer"),
        (lambda: affine_plane(2, 1, "sum"), "probability is missing; the sum decoder"),
        (lambda: steiner_triple(float("nan"), 1), "workers is nan; an integer"),
    ],
)
def test_bad_parameters_are_refused_in_words(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_what_is_too_large_is_refused_before_it_is_built():
    with pytest.raises(LimitError, match="at most 10000000 are built"):
        block_design(10**6, 2, 1)
    with pytest.raises(LimitError, match="at most 10000000 are built"):
        projective_plane(223, 1)
