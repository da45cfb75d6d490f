"""The search: bounds, starts, the same result from the same moves, and a value that is the verifier's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcopt.averages import mean_error
from gcopt.code import Segment
from gcopt.decoding import Decoder
from gcopt.solvers.adversary import WorstCase
from gcopt.solvers.assignment import Assignment, Question, Rounds, Weights
from gcopt.solvers.assignment.starts import Start, cluster_counts, cluster_sizes, place, spread_out, starts
from gcopt.solvers.errors import InfeasibleError, InputError
from gcopt.solvers.searching import Search
from gcopt.solvers.seeding import generator


def search(question, moves=(512,), seed=0, **options):
    return Assignment(Search(moves=moves)).solve(question, rng=seed, **options)


@settings(max_examples=12, deadline=None)
@given(st.data())
def test_bound_at_most_value_which_is_that_of_the_verifier(data):
    n = data.draw(st.integers(3, 9), "workers")
    k = data.draw(st.integers(2, 9), "partitions")
    caps = np.array(data.draw(st.lists(st.integers(1, k), min_size=n, max_size=n).filter(lambda c: sum(c) >= k)))
    s = data.draw(st.integers(0, n - 1), "stragglers")
    weights = Weights(*data.draw(st.sampled_from([(1.0, 0.0), (0.0, 1.0), (1.0, 3.0)])))
    question = Question(caps, k, s, weights, tuned=data.draw(st.booleans()))
    found = search(question, moves=(256,), seed=data.draw(st.integers(0, 99)))
    assert (np.count_nonzero(found.encoding, axis=1) <= caps).all()
    value = 0.0
    if weights.worst:
        worst = WorstCase(seconds=None).solve(found.encoding, stragglers=s, rng=0)
        assert worst.value == pytest.approx(worst.bound, abs=1e-9)
        value += weights.worst * worst.value
    if weights.mean:
        decoder = Decoder(Segment(found.encoding, stragglers=s, approximate=True))
        drawn = mean_error(decoder, stragglers=s, probability=None, samples=10, rng=generator(0))
        assert drawn.exact
        value += weights.mean * drawn.value
    assert question.bound() - 1e-9 <= value <= found.value + 1e-6  # a regularised error is never below the error
    assert found.value <= value + 1e-2


def test_the_same_moves_make_the_same_code():
    question = Question(np.full(12, 3), 12, 3, Weights(worst=1.0))
    first = search(question, (512, 256), seed=4)
    second = search(question, (512, 256), seed=4)
    np.testing.assert_array_equal(first.encoding, second.encoding)
    assert (first.value, first.moves, first.start) == (second.value, second.moves, second.start)
    assert search(question, (512, 256), seed=5).value != first.value


def test_two_processes_make_the_same_code():
    question = Question(np.full(12, 3), 12, 3, Weights(worst=1.0))
    one = Assignment(Search(moves=(256, 256))).solve(question, rng=4)
    two = Assignment(Search(moves=(256, 256), processes=2)).solve(question, rng=4)
    np.testing.assert_array_equal(one.encoding, two.encoding)


def test_a_search_goes_on_where_it_stood():
    question = Question(np.full(12, 3), 12, 3, Weights(worst=1.0))
    whole, half = search(question, (1024, 512)), search(question, (512, 256))
    rest = search(question, (1024, 512), chains=half.chains)
    np.testing.assert_array_equal(whole.encoding, rest.encoding)


def test_more_moves_are_no_worse_and_a_given_code_is_beaten_or_kept():
    question = Question(np.full(10, 3), 10, 3, Weights(worst=1.0))
    petersen = np.array([[1.0 if len({*a} & {*b}) == 0 else 0.0 for b in PAIRS] for a in PAIRS])
    values = [search(question, (moves,), given=[("Petersen", petersen)]).value for moves in (0, 256, 1024)]
    assert values == sorted(values, reverse=True)
    assert values[0] <= 1.0 + 1e-6  # what Petersen's graph has at s = 3


PAIRS = [(i, j) for i in range(5) for j in range(i)]


def test_repetition_is_found_to_have_the_least_mean():
    question = Question(np.full(12, 3), 12, 4, Weights(mean=1.0))
    found = search(question, (1024, 1024, 1024))
    assert found.value == pytest.approx(question.bound(), abs=1e-5)
    assert found.stopped == "enough"


def test_many_sets_are_attacked_and_never_below_the_bound():
    question = Question(np.full(25, 5), 25, 10, Weights(worst=1.0), clusters=25, tuned=False)
    assert not question.exact
    assert "attack" in question.sampled
    found = search(question, (64,))
    assert question.bound() <= found.value <= search(question, (0,)).value
    worst = WorstCase(seconds=None).solve(found.encoding, stragglers=10, rng=0)
    assert found.value <= worst.value + 1e-6


def test_the_time_on_unequal_workers_is_better_than_that_of_equal_loads():
    rng = np.random.default_rng(0)
    slow = np.array([1.0] * 6 + [4.0] * 2)
    rounds = Rounds(np.zeros((40, 8)), slow * rng.exponential(1.0, (40, 8)), 0.1, 100.0)
    unequal = Question(np.full(8, 5), 8, 2, Weights(time=1.0), rounds=rounds)
    equal = Question(np.full(8, 2), 8, 2, Weights(time=1.0), rounds=rounds)
    found = search(unequal, (1024, 1024))
    assert unequal.bound() <= found.value < 0.95 * search(equal, (0,)).value


@pytest.mark.parametrize("clusters", [3, 5, 8])
def test_random_placements_keep_to_the_loads(clusters):
    question = Question(np.array([4, 4, 4, 2, 6, 4]), 8, 1, Weights(worst=1.0))
    sizes = cluster_sizes(8, clusters)
    held = place(question, sizes, generator(0))
    spread = spread_out(held, sizes, generator(1))
    assert (held @ sizes <= question.caps).all()
    assert (spread @ sizes).tolist() == (held @ sizes).tolist()
    assert spread.sum(axis=0).tolist() == held.sum(axis=0).tolist()


def test_spreading_makes_clusters_share_fewer_workers():
    question = Question(np.full(90, 10), 90, 22, Weights(worst=1.0))
    sizes = cluster_sizes(90, 45)
    held = place(question, sizes, generator(0))
    spread = spread_out(held, sizes, generator(1))
    together = [(np.triu(one.T @ one, 1) ** 2).sum() for one in (held, spread)]
    assert together[1] < 0.95 * together[0]


def test_partitions_with_equal_columns_become_clusters():
    start = Start.of_code("mine", np.array([[1.0, 2.0, 1.0, 0.0], [3.0, 0.0, 3.0, 1.0]]))
    assert start.sizes.tolist() == [2, 1, 1]
    assert start.encoding.tolist() == [[1.0, 1.0, 2.0, 0.0], [3.0, 3.0, 0.0, 1.0]]


def test_starts_try_several_numbers_of_clusters():
    question = Question(np.full(24, 6), 24, 6, Weights(worst=1.0))
    names = {start.name for start in starts(question, 0)}
    assert {"random", "quasi-cyclic", "12 clusters", "12 clusters, generic"} <= names
    assert cluster_counts(Question(np.full(24, 6), 24, 6, Weights(worst=1.0), clusters=7)) == [7]
    for start in starts(question, 0):
        assert (start.loads <= 6).all()
        assert start.sizes.sum() == 24


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"caps": np.full(4, 0)}, InputError, "each must be from 1 to the 6"),
        ({"stragglers": 4}, InputError, "stragglers is 4; from 0 to 3"),
        ({"caps": np.full(4, 1)}, InfeasibleError, "loads add up to 4; 6 partitions"),
        ({"replication": 3}, InfeasibleError, "18 places and the loads add up to 12; replication up to 2"),
        ({"clusters": 7}, InputError, "clusters is 7; from 1 to the 6"),
        ({"probability": np.ones(3)}, InputError, r"probability has shape \(3,\)"),
        ({"weights": Weights(time=1.0)}, InputError, "time is wanted without rounds"),
    ],
)
def test_impossible_questions_are_refused(options, error, message):
    given = {"caps": np.full(4, 3), "partitions": 6, "stragglers": 1, "weights": Weights(worst=1.0), **options}
    with pytest.raises(error, match=message):
        Question(**given)


@pytest.mark.parametrize(("weights", "message"), [({}, "weights are all 0"), ({"worst": -1.0}, "worst is -1.0")])
def test_impossible_weights_are_refused(weights, message):
    with pytest.raises(InputError, match=message):
        Weights(**weights)
