import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gcopt
from gcopt.cluster import Network
from gcopt.decoding import Decoder
from gcopt.errors import ImpossibleError, InputError
from gcopt.families import FAMILIES, communication_efficient, communication_polynomial
from gcopt.waiting import Waiting
from tests.helpers import claim, dense, errors, sampled_sets, worst_error, worst_noise
from tests.matrices import FANO


def largest_relative_error(code, sets):
    """Of the decoded gradient, for random partial gradients."""
    segment = code.segments[0]
    gradients = np.random.default_rng(0).standard_normal((segment.partitions, 8 * segment.blocks))
    messages, whole = segment.encode(gradients), gradients.sum(axis=0).reshape(segment.blocks, -1)
    decoder = Decoder(segment)
    found = []
    for lost in sets:
        heard = np.isin(np.arange(segment.workers), lost, invert=True)
        found.append(np.linalg.norm(decoder(heard).matrix @ messages - whole) / np.linalg.norm(whole))
    return max(found)


@settings(max_examples=25, deadline=None)
@given(n=st.integers(1, 7), data=st.data())
def test_exact_for_every_set_whatever_the_load(n, data):
    m = data.draw(st.integers(1, n))
    s = data.draw(st.integers(0, min(n - m, n - 1)))
    load = data.draw(st.integers(s + m, n))
    options = {"draws": data.draw(st.sampled_from([1, 3])), "matrix": data.draw(st.sampled_from(["auto", "gaussian"]))}
    code = communication_efficient(n, s, m, load=load, **options, rng=data.draw(st.integers(0, 9)))
    segment = code.segments[0]
    assert worst_error(dense(code), s, m) < 1e-12
    assert (segment.load == load).all()
    assert (segment.replication == load).all()
    assert segment.partitions == n


@settings(max_examples=25, deadline=None)
@given(n=st.integers(2, 7), data=st.data())
def test_exact_for_every_set_of_any_placement(n, data):
    m = data.draw(st.integers(1, n - 1))
    s = data.draw(st.integers(0, n - m))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    assignment = np.zeros((n, data.draw(st.integers(1, 6))), dtype=bool)
    for column in assignment.T:
        column[rng.choice(n, rng.integers(min(s + m, n), n + 1), replace=False)] = True
    s = min(s, int(assignment.sum(axis=0).min()) - m, n - 1)
    code = communication_efficient(n, s, m, assignment=assignment, draws=3, rng=0)
    assert (code.segments[0].support.toarray() == assignment).all()
    assert worst_error(dense(code), s, m) < 1e-10


@pytest.mark.parametrize(("n", "d", "s", "m"), [(6, 4, 2, 2), (8, 4, 1, 3), (8, 4, 3, 1), (7, 3, 1, 2), (10, 6, 3, 3)])
def test_published_sizes_are_exact_and_the_promised_noise_is_brute_force(n, d, s, m):
    code = communication_efficient(n, s, m)
    assert code.load == d
    assert worst_error(dense(code), s, m) < 1e-24
    assert claim(code, "noise") == pytest.approx(worst_noise(dense(code), s, m), rel=1e-6)
    random = communication_efficient(n, s, m, matrix="gaussian", draws=1)
    assert claim(code, "noise") < worst_noise(dense(random), s, m) / 2


def test_fano_with_two_blocks_tolerates_one_straggler_and_no_more():
    code = communication_efficient(7, 1, 2, assignment=FANO)
    b = dense(code)
    assert (code.segments[0].support.toarray() == (FANO > 0)).all()
    assert worst_error(b, 1, 2) < 1e-24
    # beyond it loses more than what no code of this replication can keep
    assert errors(b, 2, 2).mean() > 1.0
    assert errors(b, 3, 2).mean() > 2.8


def test_thirty_workers_decode_where_polynomials_fail():
    sets = sampled_sets(30, 8, 100)
    code = communication_efficient(30, 8, 7)
    assert code.load == 15
    assert largest_relative_error(code, sets) < 1e-11
    published = communication_efficient(30, 8, 7, matrix="gaussian", draws=1)
    assert largest_relative_error(published, sets) < 1e-9
    with pytest.raises(InputError, match="too much for double precision; fewer stragglers, or communication-efficient"):
        communication_polynomial(30, 8, 7)
    assert largest_relative_error(communication_polynomial(20, 5, 5), sampled_sets(20, 5, 100)) > 1e-9


@pytest.mark.parametrize(("n", "s", "m"), [(10, 3, 3), (7, 2, 2)])
def test_the_number_of_answers_that_is_needed_is_found_in_the_entries(n, s, m):
    code = communication_efficient(n, s, m)
    assert Waiting(code).count(0) == n - s
    bare = gcopt.GradientCode.from_matrix(code.segments[0].encoding, blocks=m)
    assert Waiting(bare).count(0) == n - s


def test_a_code_that_may_decode_from_fewer_answers_has_no_such_number():
    code = communication_efficient(8, 1, 3)
    assert errors(dense(code), 2, 3).min() < 1e-20 < errors(dense(code), 2, 3).max()
    assert Waiting(code).count(0) is None


@pytest.mark.parametrize("form", ["npz", "mtx", "csv", "mat", "json"])
def test_an_exported_matrix_is_the_same_code(form, tmp_path):
    code = communication_efficient(6, 1, 3)
    gcopt.export(code, tmp_path / f"code.{form}")
    again = gcopt.load(tmp_path / f"code.{form}", blocks=3)
    assert (again.segments[0].encoding != code.segments[0].encoding).nnz == 0
    report = gcopt.verify(again, stragglers=1)
    assert report.segments[0].worst.upper < 1e-9


def test_partitions_may_be_cut_further():
    code = communication_efficient(6, 2, 2, partitions=12)
    assert (code.partitions, code.load) == (12, 8)
    assert worst_error(dense(code), 2, 2) < 1e-24


def test_the_seed_gives_the_same_bits():
    first = communication_efficient(7, 2, 2, rng=5)
    again = communication_efficient(**first.parameters, rng=first.seed)
    assert dense(first).tobytes() == dense(again).tobytes()


def test_candidates_are_all_exchanges_where_messages_take_time():
    slow = gcopt.Cluster(8, gcopt.delays.Delay("exponential", {"rate": 1.0}), network=Network(bandwidth=1.0))
    found = list(FAMILIES["communication-efficient"].candidates(slow, None))
    assert {(c["load"], c["stragglers"], c["blocks"]) for c in found} == {
        (d, d - m, m) for d in range(1, 9) for m in range(1, d + 1)
    }
    fast = gcopt.Cluster(8, gcopt.delays.Delay("exponential", {"rate": 1.0}))
    assert {c["blocks"] for c in FAMILIES["communication-efficient"].candidates(fast, None)} == {1}
    assert (
        len(list(FAMILIES["communication-efficient"].candidates(slow.replace(workers=40, slowness=[1.0] * 40), None)))
        < 100
    )


def test_design_chooses_the_exchange_that_is_best():
    slow = gcopt.Cluster(
        6, gcopt.delays.Delay("shifted-exponential", {"rate": 2.0, "shift": 1.0}), network=Network(bandwidth=1.0)
    )
    found = gcopt.design(slow, family="communication-efficient", iterations=1000)
    assert found.best.code.blocks > 1
    assert found.best.value < found.uncoded


@pytest.mark.parametrize(
    ("parameters", "error", "words"),
    [
        (
            {"stragglers": 2, "blocks": 3, "load": 4},
            ImpossibleError,
            "blocks is 3; with load 4 and stragglers = 2 at most 2",
        ),
        ({"stragglers": 4, "blocks": 3}, ImpossibleError, "with load 6 and stragglers = 4 at most 2 would work"),
        ({"stragglers": 3, "blocks": 1, "load": 2}, ImpossibleError, "a load of 4 or more would work for 1"),
        ({"stragglers": 1, "blocks": 2, "load": 7}, InputError, "at most all 6 partitions"),
        ({"stragglers": 1, "blocks": 0}, InputError, "blocks is 0"),
        ({"stragglers": 1, "blocks": float("nan")}, InputError, "blocks is nan"),
        ({"stragglers": 6, "blocks": 1}, InputError, "stragglers is 6"),
        ({"stragglers": 1, "blocks": 1, "draws": 0}, InputError, "draws is 0"),
        ({"stragglers": 1, "blocks": 1, "matrix": "random"}, InputError, "one of auto, gaussian"),
        ({"stragglers": 1, "blocks": 2, "assignment": np.eye(6)}, ImpossibleError, "partition 0 on 1 workers"),
        ({"stragglers": 0, "blocks": 1, "assignment": np.eye(6), "load": 2}, InputError, "leave out load"),
        ({"stragglers": 0, "blocks": 1, "assignment": np.full((6, 2), np.nan)}, InputError, "0 and 1"),
        ({"stragglers": 0, "blocks": 1, "assignment": [[1]]}, InputError, r"shape \(1, 1\)"),
    ],
)
def test_bad_parameters_say_what_would_work(parameters, error, words):
    with pytest.raises(error, match=words):
        communication_efficient(6, **parameters)
