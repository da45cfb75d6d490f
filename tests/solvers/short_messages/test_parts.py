"""Parts of the search for short messages against least squares, differences and enumeration."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from gcopt.solvers.attack import StandardAttack
from gcopt.solvers.short_messages import Question
from gcopt.solvers.short_messages.classes import in_classes, thirds
from gcopt.solvers.short_messages.coefficients import Judge
from gcopt.solvers.short_messages.frames import Frames
from gcopt.solvers.short_messages.moves import moved
from gcopt.solvers.short_messages.products import null_space_products
from gcopt.solvers.short_messages.starts import Start, groups, starts
from tests.helpers import least_squares
from tests.matrices import FANO

NONE = np.empty((0, 2), dtype=np.int64)


def random_code(n=7, clusters=5, m=2, seed=0):
    rng = np.random.default_rng(seed)
    held = (np.arange(clusters) - np.arange(n)[:, None]) % clusters < 3
    return (rng.normal(size=(n, m, clusters)) * held[:, None, :]).reshape(n, -1)


def error(X, sizes, lost, m=2):
    """Least squares on the whole encoding matrix."""
    return least_squares(Start("code", X, sizes, sizes).encoding, lost, m)[0]


SIZES = np.array([2, 2, 1, 1, 1])


@pytest.mark.parametrize(("worst", "mean"), [(0.0, 1.0), (1.0, 0.0), (2.0, 3.0)])
def test_value_is_that_of_least_squares(worst, mean):
    X = random_code()
    errors = [error(X, SIZES, lost) for lost in combinations(range(7), 2)]
    judge = Judge(Question(7, 7, 5, 2, 2, worst=worst, mean=mean), SIZES, 0)
    wanted = worst * max(errors) + mean * np.mean(errors)
    assert judge.value(X, NONE) == pytest.approx(wanted, abs=1e-5)
    assert judge.value(X, NONE) >= wanted - 1e-9


def test_mean_over_independent_stragglers_is_that_of_all_sets():
    X, q = random_code(), 0.3
    wanted = sum(
        q**s * (1 - q) ** (7 - s) * error(X, SIZES, lost) for s in range(8) for lost in combinations(range(7), s)
    )
    judge = Judge(Question(7, 7, 5, 2, 0, probability=q), SIZES, 0)
    assert judge.value(X, NONE) == pytest.approx(wanted, abs=1e-5)


def test_drawn_means_count_rare_losses_by_formula():
    """Groups that nearly never lose a dimension have the mean of the formula, whatever sets are drawn."""
    question = Question(24, 24, 6, 2, 8, samples=3)
    start = groups(question, 0)
    judge = Judge(question, start.sizes, 0)
    assert question.drawn
    assert judge.value(start.matrix, NONE) == pytest.approx(question.mean_bound(), abs=1e-6)


@pytest.mark.parametrize(("worst", "mean"), [(0.0, 1.0), (1.0, 0.5)])
def test_slope_against_differences(worst, mean):
    judge = Judge(Question(7, 7, 5, 2, 2, worst=worst, mean=mean), SIZES, 0)
    X = random_code(seed=3)
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    _, steep = judge.slope(X, NONE)
    rng = np.random.default_rng(0)
    for _ in range(3):
        way = rng.normal(size=X.shape) * (X != 0.0)
        step = 1e-6
        difference = (judge.slope(X + step * way, NONE)[0] - judge.slope(X - step * way, NONE)[0]) / (2 * step)
        assert difference == pytest.approx(float((steep * way).sum()), rel=1e-4, abs=1e-7)


def test_alternating_minimisation_and_descent_lower_the_mean():
    judge = Judge(Question(7, 7, 5, 2, 2), SIZES, 0)
    X = random_code(seed=1)
    values = [judge.value(X, NONE)]
    for _ in range(4):
        X = judge.alternate(X, NONE)
        values.append(judge.value(X, NONE))
    assert (np.diff(values) <= 1e-9).all()
    assert values[-1] < 0.9 * values[0]
    assert judge.value(judge.descend(X, NONE, 20), NONE) < values[-1]
    assert ((X != 0.0) == (random_code(seed=1) != 0.0)).all()


def test_tied_classes_need_fewer_responders_than_clusters_have_dimensions():
    """36 clusters have 72 dimensions; 66 or 68 responders decode them, and nobody holds more than ten partitions."""
    question = Question(90, 90, 10, 2, 22, worst=1.0, clusters=36)
    found = {classes.name: classes for classes in in_classes(question, 0)}
    assert set(found) == {"36 clusters in 4 classes, 2 tied", "36 clusters in 4 classes, all tied"}
    rng = np.random.default_rng(0)
    for (name, classes), rank in zip(sorted(found.items()), (68, 66), strict=True):
        assert (classes.held @ classes.sizes == 10).all()
        assert (classes.held.sum(axis=0) == 10).all()
        assert (classes.held.reshape(90, 4, 9).sum(axis=2) == 1).all()
        X = classes.matrix(2, rng)
        assert np.linalg.matrix_rank(X) == rank, name
        for _ in range(3):
            lost = rng.choice(90, 22, replace=False)
            assert error(X, classes.sizes, lost) < 1e-9
    best = found["36 clusters in 4 classes, 2 tied"]
    assert thirds(best.held, 2, 22) == 0
    # the mean of construction I on the projective plane is 23.8 here; two clusters of three partitions cost 12
    encoding = Start("classes", best.matrix(2, rng), best.sizes, best.labels).encoding
    assert StandardAttack().solve(encoding, stragglers=22, blocks=2).value <= 12.0 + 1e-9


def test_few_drawn_sets_tune_no_coefficients():
    assert Question(20, 20, 4, 2, 5).tuned
    assert not Question(20, 20, 4, 2, 5, samples=20).tuned


def test_two_clusters_and_a_third_that_few_stragglers_hit():
    held = np.kron(np.eye(3, dtype=np.int64), np.ones((2, 1), dtype=np.int64))  # three clusters, two workers each
    assert [thirds(held, 2, s) for s in (4, 5)] == [0, 3]


def test_construction_two_decodes_by_its_vectors():
    rng = np.random.default_rng(0)
    held = (np.arange(4) - np.arange(8)[:, None]) % 4 < 2
    cells = null_space_products(held.astype(np.int64), 2, rng)
    assert cells is not None
    assert least_squares(cells.reshape(8, -1), (), 2)[0] < 1e-18
    assert null_space_products(FANO.astype(np.int64), 2, rng) is None  # invertible: its null space is empty


@pytest.mark.parametrize("signs", [False, True])
def test_moves_keep_the_load_and_every_row(signs):
    question = Question(8, 9, 4, 2, 2, signs=signs)
    rng = np.random.default_rng(0)
    for start in list(starts(question, [], 0))[:6]:
        X = start.matrix
        for _ in range(40):
            X = moved(X, question, start.sizes, start.labels, rng)
            code = Start("moved", X, start.sizes, start.labels)
            assert code.fits(question)
            assert code.held().any(axis=0).all()


def test_frames_are_the_error_of_adding_up():
    """Coefficients S_c^-1 h_j / (1 - q), decoded with h_j: mean and error over all sets."""
    q, question = 0.25, Question(6, 6, 4, 2, 0, probability=0.25, signs=True, unbiased=True)
    for start in starts(question, [], 0):
        frames = Frames(question, start.sizes)
        value = frames.value(start.matrix, NONE)
        if value > 12.0:
            continue
        code = Start("frames", frames.coefficients(start.matrix), start.sizes, start.sizes).encoding
        h = np.sign(code.reshape(6, 2, 6).sum(axis=2))
        target, mean, total = np.kron(np.eye(2), np.ones(6)), np.zeros((2, 12)), 0.0
        for lost in (np.array(bits) for bits in np.ndindex(*[2] * 6)):
            chance = q ** lost.sum() * (1 - q) ** (6 - lost.sum())
            decoded = (h * (1 - lost)[:, None]).T @ code
            mean += chance * decoded
            total += chance * ((decoded - target) ** 2).sum()
        np.testing.assert_allclose(mean, target, atol=1e-12)
        assert value == pytest.approx(total)
        assert value >= question.mean_bound() - 1e-9
        return
    pytest.fail("no start had an unbiased code")
