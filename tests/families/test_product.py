from dataclasses import replace
from itertools import product as pairs

import numpy as np
import pytest

import gcopt
from gcopt.combinatorics.spectrum import second_singular_squared
from gcopt.errors import InputError
from gcopt.families import FAMILIES, circulant, cyclic_mds, fractional_repetition, pairwise_balanced, product
from tests.families.enumeration import errors
from tests.helpers import claim, dense, sampled_sets, worst_error

FANO = {"family": "circulant", "workers": 7, "stragglers": 1, "shifts": [0, 1, 3]}
TWO_OF_THREE = {"family": "circulant", "workers": 3, "stragglers": 1, "load": 2}


@pytest.mark.parametrize(
    ("s", "worst", "mean", "bound"),
    [(1, 1 / 12, 1 / 12, 0.259259), (2, 0.25, 0.178143, 0.538462), (3, 0.75, 0.286797, 0.84)],
)
def test_published_numbers_of_a_product_with_the_fano_plane(s, worst, mean, bound):
    code = product(FANO, TWO_OF_THREE, s)
    assert (code.workers, code.partitions, code.load, code.replication) == (21, 21, 6, 6)
    assert second_singular_squared(code.support) == pytest.approx(9.0)
    found = errors(code, s)
    assert found.max() == pytest.approx(worst)
    assert found.mean() == pytest.approx(mean, abs=5e-7)
    assert claim(code, "error") == pytest.approx(bound, abs=5e-7)
    assert claim(code, "mean") >= mean


@pytest.mark.parametrize(
    ("first", "second"),
    [(FANO, TWO_OF_THREE), (TWO_OF_THREE, FANO), ({**FANO, "shifts": [0, 1]}, {**FANO, "shifts": [0, 1, 2, 4]})],
)
def test_the_singular_value_of_a_product_is_that_of_its_matrix(first, second):
    code = product(first, second, 2)
    n = code.workers
    singular = np.linalg.svd(code.support.toarray().astype(float), compute_uv=False)[1] ** 2
    assert claim(code, "error") == pytest.approx(n * 2 * singular / (code.load**2 * (n - 2) + 2 * singular))


@pytest.mark.parametrize(("decoder", "q"), [("least-squares", None), ("scaled", None), ("sum", 0.2)])
def test_verify_refutes_nothing(decoder, q):
    code = product(TWO_OF_THREE, {**TWO_OF_THREE, "workers": 4}, 2, decoder, q)
    checks = gcopt.verify(code).checks
    assert {check.status for check in checks} <= {"proved", "sampled"}
    assert "error" in {check.claim.kind for check in checks}
    np.testing.assert_array_equal(code.support.toarray(), np.kron(*(part.support.toarray() for part in _parts(code))))


def _parts(code):
    for name in ("first", "second"):
        recipe = dict(code.parameters[name])
        yield FAMILIES[recipe.pop("family")](**recipe)


def test_factors_with_equal_replication_promise_a_mean():
    uneven = {"family": "soft-design", "workers": 4, "stragglers": 1, "replication": 2, "rng": 0}
    code = product(uneven, TWO_OF_THREE, 2)
    assert {c.kind for c in code.claims} == {"load", "replication", "mean"}
    assert errors(code, 2).mean() <= claim(code, "mean")


def test_uneven_factors_promise_nothing_but_counts_and_what_decoders_give():
    uneven = pairwise_balanced(4, [1, 2, 3], 0.1, rng=0)
    assert {c.kind for c in product(uneven, TWO_OF_THREE, 2).claims} == {"load", "replication"}
    scaled = product(uneven, TWO_OF_THREE, 2, "scaled")
    assert {c.kind for c in scaled.claims} == {"load", "replication", "unbiased", "mean"}
    assert errors(scaled, 2).mean() == pytest.approx(claim(scaled, "mean"))


@pytest.mark.parametrize(
    ("first", "second", "most"),
    [
        (fractional_repetition(2, 1), fractional_repetition(4, 1), 3),
        (cyclic_mds(3, 1, zeros="first"), fractional_repetition(2, 1), 3),
        (cyclic_mds(4, 1), cyclic_mds(3, 1), 3),
        (fractional_repetition(4, 1), fractional_repetition(3, 2, load=1), 1),
    ],
)
def test_products_of_exact_codes_are_exact_for_more_stragglers(first, second, most):
    code = product(first, second, 2)
    assert claim_of_exactness(code) == most
    assert worst_error(dense(code), most) < 1e-18
    assert worst_error(dense(code), most + 1) > 1e-3


def claim_of_exactness(code):
    (found,) = [c.stragglers for c in code.claims if c.kind == "exact"]
    return found


def test_a_factor_may_be_a_code_a_file_or_a_recipe_and_provenance_makes_it_again(tmp_path):
    code = FAMILIES["random-regular"](6, 2, 2, rng=4)
    path = gcopt.save(code, tmp_path / "factor.npz")
    recipe = {"family": "random-regular", "workers": 6, "stragglers": 2, "load": 2, "rng": 4}
    made = [product(factor, TWO_OF_THREE, 2) for factor in (code, path, str(path), recipe)]
    path.unlink()
    for one in made:
        assert one.family == "product"
        assert one.parameters["first"]["rng"] == 4
        again = product(**gcopt.load(gcopt.save(one, tmp_path / "product.npz")).parameters)
        np.testing.assert_array_equal(dense(again), dense(made[0]))
        assert again.claims == made[0].claims


def test_a_matrix_is_kept_whole_and_products_of_products_are_rebuilt():
    matrix = gcopt.GradientCode.from_matrix([[1.0, 0.5], [0.25, 1.0]])
    inner = product(matrix, TWO_OF_THREE, 1)
    assert inner.parameters["first"] == {"family": "matrix", "matrix": [[1.0, 0.5], [0.25, 1.0]]}
    outer = product(inner, matrix, 1)
    np.testing.assert_array_equal(dense(product(**outer.parameters)), dense(outer))
    np.testing.assert_allclose(dense(outer), np.kron(dense(inner), dense(matrix)))


def test_a_changed_code_is_kept_as_its_matrix():
    code = fractional_repetition(4, 1)
    changed = replace(code, segments=(gcopt.GradientCode.from_matrix(2.0 * dense(code)).segments[0],))
    assert product(code, TWO_OF_THREE, 1).parameters["first"]["family"] == "fractional-repetition"
    assert product(changed, TWO_OF_THREE, 1).parameters["first"]["family"] == "matrix"
    unknown = replace(code, family="of-somebody")
    assert product(unknown, TWO_OF_THREE, 1).parameters["first"]["matrix"] == dense(code).tolist()


def test_workers_and_partitions_are_pairs():
    held = product(FANO, TWO_OF_THREE, 1).support.toarray()
    a, b = circulant(7, 1, shifts=[0, 1, 3]).support.toarray(), circulant(3, 1, load=2).support.toarray()
    for w, v, i, j in pairs(range(7), range(3), range(7), range(3)):
        assert held[3 * w + v, 3 * i + j] == (a[w, i] and b[v, j])


def test_random_sets_of_a_large_product_respect_the_bound():
    big = product(FANO, FANO, 6)
    b = dense(big)
    from tests.helpers import least_squares

    assert max(least_squares(b, lost)[0] for lost in sampled_sets(49, 6, 50)) <= claim(big, "error")


UNEQUAL = {"family": "matrix", "matrix": [[1, 2], [2, 1]]}


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: product(FANO, 3, 1), "second is 3; a code, its file or"),
        (lambda: product({"family": "matrix"}, FANO, 1), "first is a matrix without rows"),
        (lambda: product({"family": "nobody"}, FANO, 1), "nobody"),
        (lambda: product("missing.npz", FANO, 1), "missing.npz"),
        (lambda: product(FANO, FANO, 49), "stragglers is 49"),
        (lambda: product(UNEQUAL, FANO, 1, "scaled"), "decoder is 'scaled'; factors with unequal entries"),
        (lambda: product(UNEQUAL, FANO, 1, "sum", 0.1), "decoder is 'sum'; factors with unequal entries"),
        (lambda: product(FANO, FANO, 1, "sum"), "probability is missing"),
        (lambda: product({"family": "matrix", "matrix": [[1, 0], [1, 0]]}, FANO, 1), "first has a partition without"),
        (
            lambda: product(gcopt.GradientCode.from_matrix([[1j]]), FANO, 1),
            "first is a complex matrix without a recipe",
        ),
        (lambda: product(FAMILIES["block-coordinate"](3, [1, 1, 1]), FANO, 1), "first has 3 segments"),
    ],
)
def test_bad_parameters_say_what_would_work(make, words):
    with pytest.raises(InputError, match=words) as caught:
        make()
    assert "\n" not in str(caught.value)
