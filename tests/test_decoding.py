"""Every fast decoder against plain least squares."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gcopt
from gcopt.code import GradientCode, Segment
from gcopt.decoding import EXACT, Decoder, components, decode, factors
from gcopt.errors import DecodingError, InputError
from gcopt.families import FAMILIES
from tests.families.samples import SAMPLES
from tests.helpers import error_of, least_squares, noise_of

PARAMETERS = {
    "block-coordinate": {"workers": 5, "allocation": [3, 1, 2, 0, 1]},
    "uncoded": {"workers": 5, "partitions": 7},
    "ignore-stragglers": {"workers": 5, "stragglers": 2},
    "fractional-repetition": {"workers": 6, "stragglers": 2},
    "cyclic-repetition": {"workers": 7, "stragglers": 3, "rng": 0},
    "cyclic-mds": {"workers": 6, "stragglers": 2},
    "grouped": {"workers": 7, "stragglers": 2},
    "placement": {"workers": 6, "stragglers": 2, "partitions": 9, "speeds": [1, 2, 1, 3, 1, 1], "rng": 0},
    "two-stage": {"workers": 5, "stragglers": 1, "alpha": 3.0},
}

NOT_APPROXIMATE = [name for name in FAMILIES if not FAMILIES[name](**SAMPLES[name]).segments[0].approximate]


def patterns(n, count=40, seed=0):
    """All sets of responders when they are few, else random ones of all sizes."""
    if n <= 6:
        return [np.array([bool(number >> j & 1) for j in range(n)]) for number in range(2**n)]
    rng = np.random.default_rng(seed)
    return [rng.random(n) < p for p in np.linspace(0, 1, count)]


@st.composite
def random_segments(draw):
    """Any segment: sparse, complex, m = 2, of low rank, with twins, empty rows and columns, several components."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    n, k, blocks = draw(st.integers(1, 8)), draw(st.integers(1, 6)), draw(st.integers(1, 2))
    matrix = rng.standard_normal((n, blocks * k))
    if draw(st.booleans()):
        matrix = matrix + 1j * rng.standard_normal(matrix.shape)
    kind = draw(st.sampled_from(["dense", "sparse", "rank", "parts", "repetition", "integers"]))
    if kind == "sparse":
        matrix = matrix * (rng.random(matrix.shape) < 0.4)
    elif kind == "rank":
        matrix = rng.standard_normal((n, 2)) @ matrix[:2] if n > 2 else matrix
    elif kind == "parts":
        worker, partition = rng.integers(0, 3, n), rng.integers(0, 3, k)
        matrix = matrix * (worker[:, None] == np.tile(partition, blocks))
    elif kind == "repetition":
        matrix = rng.standard_normal((n, 1)) * matrix[:1]
    elif kind == "integers":
        matrix = rng.integers(-1, 2, matrix.shape).astype(float)
    if draw(st.booleans()):
        matrix[rng.integers(n)] = -2 * matrix[rng.integers(n)]
    return Segment(matrix, blocks=blocks)


@settings(max_examples=150, deadline=None)
@given(random_segments())
def test_error_is_that_of_least_squares(segment):
    decoder = Decoder(segment)
    matrix = segment.encoding.toarray()
    for heard in patterns(segment.workers, 12):
        found = decoder(heard)
        error = least_squares(matrix, np.flatnonzero(~heard), segment.blocks)[0]
        assert found.error == pytest.approx(error, rel=1e-9, abs=1e-11)
        assert found.error == pytest.approx(error_of(matrix, found.matrix), abs=1e-11)
        assert not found.matrix[:, ~heard].any()
        assert decoder.decodes(heard) == (found.error <= EXACT * matrix.shape[1])


@pytest.mark.parametrize("name", NOT_APPROXIMATE)
def test_exact_coefficients_have_the_smallest_noise(name):
    for segment in FAMILIES[name](**PARAMETERS.get(name, SAMPLES[name])).segments:
        if segment.decoder == "scaled":
            continue
        decoder = Decoder(segment)
        for heard in patterns(segment.workers):
            matrix, found = segment.encoding.toarray(), decoder(heard)
            error, noise = least_squares(matrix, np.flatnonzero(~heard), segment.blocks)
            assert found.error == pytest.approx(error, rel=1e-9, abs=1e-12)
            assert noise_of(matrix, found.matrix) == pytest.approx(noise, rel=1e-7)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("steep", [1e-3, 1e-5, 1e-7])
def test_nearly_dependent_rows_are_decoded_as_well(seed, steep):
    rng = np.random.default_rng(seed)
    matrix = rng.standard_normal((5, 9))
    matrix[1] = matrix[0] + steep * matrix[1]
    decoder = Decoder(Segment(matrix))
    for heard in patterns(5):
        assert decoder(heard).error == pytest.approx(least_squares(matrix, np.flatnonzero(~heard))[0], rel=1e-7)


@pytest.mark.parametrize("name", NOT_APPROXIMATE)
def test_round_trip(name):
    code = FAMILIES[name](**PARAMETERS.get(name, SAMPLES[name]))
    gradients = np.random.default_rng(1).standard_normal((code.partitions, 11))
    messages, total = code.encode(gradients), gradients.sum(axis=0)
    scaled = code.segments[0].decoder == "scaled"
    for lost in combinations(range(code.workers), 0 if scaled else code.stragglers):
        heard = np.ones(code.workers, dtype=bool)
        heard[list(lost)] = False
        spoilt = [np.where(heard[:, None], sent, np.nan) for sent in messages]
        np.testing.assert_allclose(decode(code, spoilt, heard, parameters=11), total, rtol=0, atol=1e-10)


def test_round_trip_with_other_responders_in_every_segment():
    code = FAMILIES["two-stage"](**PARAMETERS["two-stage"])
    gradients = np.random.default_rng(2).standard_normal((5, 7))
    heard = np.array([[True] * 5, [True, False, True, True, True]])
    found = decode(code, code.encode(gradients), heard, parameters=7)
    np.testing.assert_allclose(found, gradients.sum(axis=0), atol=1e-12)
    with pytest.raises(DecodingError, match=r"segment 0: 4 of 5 responders"):
        decode(code, code.encode(gradients), heard[::-1], parameters=7)


@pytest.mark.parametrize("dtype", [float, complex])
@pytest.mark.parametrize("length", [1, 6, 7])
def test_round_trip_with_blocks(dtype, length):
    """Any 4 rows of a random 5 x 4 matrix over k = 2 partitions and m = 2 blocks determine everything."""
    rng = np.random.default_rng(3)
    matrix = rng.standard_normal((5, 4)).astype(dtype)
    if dtype is complex:
        matrix += 1j * rng.standard_normal((5, 4))
    code = GradientCode.from_matrix(matrix, blocks=2, stragglers=1)
    gradients = rng.standard_normal((2, length))
    for j in range(5):
        heard = np.arange(5) != j
        found = decode(code, code.encode(gradients), heard, parameters=length)
        np.testing.assert_allclose(found, gradients.sum(axis=0), atol=1e-11)


def test_tolerated_errors():
    code = FAMILIES["uncoded"](4)
    gradients = np.eye(4)
    heard = [True, True, True, False]
    with pytest.raises(DecodingError, match=r"3 of 4 responders leave 0\.25 of the .* with tolerate=0\.25"):
        decode(code, code.encode(gradients), heard, parameters=4)
    assert decode(code, code.encode(gradients), heard, parameters=4, tolerate=0.25).tolist() == [1, 1, 1, 0]
    for impossible in (-1, 2, np.nan, "little", True):
        with pytest.raises(InputError, match="tolerate is"):
            decode(code, code.encode(gradients), heard, parameters=4, tolerate=impossible)


@pytest.mark.parametrize("lost", [1, 2, 3, 4, 5, 6])
def test_the_tolerance_that_is_named_would_do(lost):
    code = FAMILIES["paley"](13, 4)
    heard, messages = np.arange(13) >= lost, code.encode(np.eye(13))
    with pytest.raises(DecodingError) as refused:
        decode(code, messages, heard, parameters=13)
    named = float(str(refused.value).split("tolerate=")[1])
    decode(code, messages, heard, parameters=13, tolerate=named)
    with pytest.raises(DecodingError):
        decode(code, messages, heard, parameters=13, tolerate=0.98 * named)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"responders": [True] * 3}, r"responders has shape \(3,\); \(4,\) or \(1, 4\)"),
        ({"responders": [0, 1, 2, 3]}, "responders holds something else than true and false"),
        ({"responders": [np.nan] * 4}, "responders holds something else"),
        ({"messages": []}, "messages has 0 entries; one for each of the 1 segments"),
        ({"messages": [np.ones((4, 3))]}, r"messages\[0\] has shape \(4, 3\); \(4, 2\) is expected"),
        ({"messages": [np.ones((3, 2))]}, r"messages\[0\] has shape \(3, 2\)"),
        ({"messages": [np.full((4, 2), np.nan)]}, r"messages\[0\] holds NaN"),
        ({"parameters": -1}, "parameters is -1"),
    ],
)
def test_impossible_input_is_refused(change, message):
    code = FAMILIES["fractional-repetition"](4, 1)
    usual = {"messages": code.encode(np.ones((4, 2))), "responders": [True] * 4, "parameters": 2}
    with pytest.raises(InputError, match=message):
        decode(code, **{**usual, **change})


def test_decoder_refuses_other_numbers_of_workers():
    with pytest.raises(InputError, match=r"responders has shape \(5,\); \(4,\) is expected"):
        Decoder(Segment(np.eye(4)))([True] * 5)


def test_scaled_decoder_counts_every_responder_alike():
    segment = FAMILIES["ignore-stragglers"](5, 2).segments[0]
    decoder = Decoder(segment)
    for heard in patterns(5):
        found, count = decoder(heard), int(heard.sum())
        expected = np.where(heard, 5 / max(count, 1), 0.0)
        assert found.matrix[0].tolist() == expected.tolist()
        assert found.error == pytest.approx(float(np.sum((expected - 1) ** 2)))


def test_results_are_cached_and_the_cache_is_bounded():
    decoder = Decoder(Segment(np.random.default_rng(0).standard_normal((8, 8))))
    decoder._capacity = 5
    first, second = np.arange(8) > 0, np.arange(8) > 1
    found = decoder(first)
    decoder(second)
    for j in range(2, 5):
        decoder(np.arange(8) != j)
    assert decoder(first) is found  # and is now the one used last
    decoder(np.arange(8) != 6)
    assert len(decoder._cache) == 5
    assert decoder(first) is found
    assert np.packbits(second).tobytes() not in decoder._cache
    with pytest.raises(ValueError, match="read-only"):
        found.matrix[0, 0] = 1.0


def test_cache_of_a_large_code_stays_small():
    assert Decoder(FAMILIES["uncoded"](20_000).segments[0])._capacity * 20_000 * 8 <= 64 * 2**20
    assert Decoder(FAMILIES["uncoded"](4).segments[0])._capacity == 65536


@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 6), k=st.integers(1, 5), exact=st.booleans(), seed=st.integers(0, 999))
def test_look_up_of_repetition_is_least_squares(n, k, exact, seed):
    rng = np.random.default_rng(seed)
    row = np.ones(k) if exact else rng.standard_normal(k)
    matrix = rng.standard_normal((n, 1)) * row
    decoder = Decoder(Segment(matrix))
    (component,) = decoder.components
    assert component.needed == (1 if exact or k == 1 else None)
    for heard in patterns(n):
        error, noise = least_squares(matrix, np.flatnonzero(~heard))
        assert decoder(heard).error == pytest.approx(error, rel=1e-9, abs=1e-12)
        assert noise_of(matrix, decoder(heard).matrix) == pytest.approx(noise, rel=1e-9)


def test_components_are_the_connected_parts():
    matrix = np.zeros((5, 6))
    matrix[0, [0, 3]] = matrix[3, 3] = matrix[1, 1] = matrix[4, [4, 5]] = 1.0
    found = [(c.workers.tolist(), c.partitions.tolist()) for c in components(Segment(matrix))]
    assert sorted(found) == [([0, 3], [0, 3]), ([1], [1]), ([4], [4, 5])]
    assert Decoder(Segment(matrix))(np.ones(5, dtype=bool)).error == pytest.approx(1.0)  # nobody holds partition 2


@pytest.mark.parametrize("name", NOT_APPROXIMATE)
def test_needed_agrees_with_brute_force(name):
    """The number of teams that always decode, while fewer never do, over all sets of responders."""
    for segment in FAMILIES[name](**PARAMETERS.get(name, SAMPLES[name])).segments:
        for component in components(segment):
            check_needed(component, segment.blocks)


@settings(max_examples=60, deadline=None)
@given(random_segments())
def test_needed_agrees_with_brute_force_on_any_code(segment):
    for component in components(segment):
        check_needed(component, segment.blocks)


def check_needed(component, blocks=1):
    """Decodability against the number of teams (workers that send the same up to a factor) of which one was heard."""
    n = component.workers.size
    matrix = component.matrix.toarray()
    assert sorted(np.concatenate(component.teams).tolist()) == list(range(n))
    seen = [set() for _ in range(len(component.teams) + 1)]
    for number in range(2**n):
        heard = np.array([bool(number >> j & 1) for j in range(n)])
        teams = sum(bool(heard[team].any()) for team in component.teams)
        seen[teams].add(least_squares(matrix, np.flatnonzero(~heard), blocks)[0] <= 1e-11 * matrix.shape[1])
    counts = [count for count, answers in enumerate(seen) if answers == {True}]
    fixed = all(len(answers) == 1 for answers in seen) and bool(counts)
    if component.needed is None:
        assert not fixed or blocks > 1
    else:
        assert fixed
        assert component.needed == min(counts)


def test_needed_is_found_for_the_codes_that_go_by_count():
    assert {c.needed for c in components(gcopt.families.cyclic_mds(13, 4).segments[0])} == {9}
    assert {c.needed for c in components(gcopt.families.cyclic_mds(9, 4).segments[0])} == {None}  # some 4 answers do
    assert {c.needed for c in components(gcopt.families.cyclic_repetition(9, 4, rng=0).segments[0])} == {5}
    assert [c.needed for c in components(gcopt.families.fractional_repetition(12, 3).segments[0])] == [1, 1, 1]


@pytest.mark.parametrize("dtype", [float, complex])
@pytest.mark.parametrize("blocks", [1, 2])
def test_codes_beyond_the_dense_limit(monkeypatch, dtype, blocks):
    rng = np.random.default_rng(5)
    code = rng.standard_normal((9, 6)) @ rng.standard_normal((6, 12))
    matrix = code.astype(dtype)
    if dtype is complex:
        matrix = matrix + 1j * rng.standard_normal((9, 6)) @ rng.standard_normal((6, 12))
    exact = gcopt.families.cyclic_mds(9, 3 if dtype is complex else 4).segments[0]
    for segment in (Segment(matrix, blocks=blocks), exact):
        usual = [Decoder(segment)(heard) for heard in patterns(9, 15)]
        with monkeypatch.context() as patch:
            patch.setattr(factors, "DENSE_LIMIT", 3)
            iterative = Decoder(segment)
            for heard, expected in zip(patterns(9, 15), usual, strict=True):
                found = iterative(heard)
                assert found.error == pytest.approx(expected.error, rel=1e-6, abs=1e-12)
                np.testing.assert_allclose(found.matrix, expected.matrix, rtol=1e-4, atol=1e-6)


def test_many_partitions_on_few_workers_stay_small():
    """60,000 partitions on 12 workers: nothing of 60,000 x 60,000 entries is made."""
    rng = np.random.default_rng(0)
    code = gcopt.families.placement(12, 1, partitions=60_000, speeds=rng.uniform(1, 2, 12).tolist(), draws=1, rng=0)
    decoder = Decoder(code.segments[0])
    for j in range(12):
        assert decoder.decodes(np.arange(12) != j)
    assert not decoder.decodes(np.arange(12) > 1)
