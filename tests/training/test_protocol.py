"""The master's state machine, fed by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gcopt
from gcopt.coding import combine
from gcopt.errors import InputError
from gcopt.training import Patience
from gcopt.training.events import GiveUp, Lost, Message, Returned, Step, Tick
from gcopt.training.policy import Policy
from gcopt.training.protocol import Master
from tests.training.cases import codes

CODES = codes()
GRADIENTS = np.random.default_rng(3).standard_normal((12, 9))


def payloads(code):
    return code.encode(GRADIENTS[: code.partitions])


def message(code, worker, segment=0, version=0, time=1.0, **other):
    fields = {"batch": version, "draw": 0, **other}
    return Message(
        worker, segment, version, fields["batch"], fields["draw"], payloads(code)[segment][worker], time, 0.1
    )


def decoded(code, policy, step):
    out = np.empty(GRADIENTS.shape[1])
    cuts = code.cuts(out.size)
    for part in step.parts:
        policy.combine(part, out[cuts[part.segment] : cuts[part.segment + 1]])
    return out


def feed(master, events):
    found = [action for event in events if (action := master.handle(event)) is not None]
    assert len(found) <= 1
    return found[0] if found else None


@pytest.mark.parametrize("name", CODES)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_order_gives_the_gradient_and_strangers_change_nothing(name, data):
    code = CODES[name]
    policy = Policy(code)
    everything = [(j, c) for j in range(code.workers) for c in range(len(code.segments))]
    order = data.draw(st.permutations(everything))
    stranger = st.tuples(
        st.sampled_from(everything), st.sampled_from([{"version": 4}, {"batch": 6}, {"draw": 1}]), st.booleans()
    )
    master, noisy = Master(policy), Master(policy)
    for one in (master, noisy):
        one.begin(version=5, batch=5, now=0.0)
    events, disturbed = [], []
    for j, c in order:
        events.append(message(code, j, c, version=5))
        disturbed.append(events[-1])
        (k, d), wrong, twice = data.draw(stranger)
        strange = message(code, k, d, **{"version": 5, "batch": 5, **wrong})
        disturbed.append(strange._replace(payload=np.full_like(strange.payload, np.nan)))
        if twice:
            disturbed.append(events[-1])
    step, other = feed(master, events), feed(noisy, disturbed)
    assert isinstance(step, Step)
    found = decoded(code, policy, step)
    assert np.abs(found - GRADIENTS[: code.partitions].sum(axis=0)).max() < 1e-7
    assert found.tobytes() == decoded(code, policy, other).tobytes()
    assert noisy.late >= len(order)
    assert [[m.worker for m in p.messages] for p in step.parts] == [[m.worker for m in p.messages] for p in other.parts]


@settings(max_examples=25, deadline=None)
@given(order=st.permutations(range(6)), extra=st.permutations(range(6)))
def test_equal_sets_give_equal_bits_whatever_the_order(order, extra):
    code = CODES["cyclic"]
    policy = Policy(code)
    found = []
    only = [np.isin(np.arange(6), order[:4])]
    for sequence in (order, extra):
        master = Master(policy)
        master.begin(version=0, batch=0, now=0.0, only=only)
        found.append(decoded(code, policy, feed(master, [message(code, j) for j in sequence])))
    assert found[0].tobytes() == found[1].tobytes()


def test_it_steps_as_soon_as_the_answers_decode_and_not_before():
    code = CODES["fractional"]  # workers 0 2 4 do the same, and 1 3 5
    master = Master(Policy(code))
    master.begin(version=0, batch=0, now=0.0)
    assert feed(master, [message(code, j) for j in (0, 2, 4)]) is None
    assert isinstance(master.handle(message(code, 3)), Step)
    assert master.ignored == 2
    assert master.begin(version=1, batch=1, now=2.0).used == ((0, 0), (2, 0), (3, 0), (4, 0))


def test_count_waits_for_n_minus_s():
    code = CODES["fractional"]
    master = Master(Policy(code, "count"))
    master.begin(version=0, batch=0, now=0.0)
    assert feed(master, [message(code, j) for j in (0, 3, 1)]) is None
    assert isinstance(master.handle(message(code, 2)), Step)


def test_what_cannot_be_exact_goes_by_count():
    code = gcopt.families.ignore_stragglers(5, 2)
    master = Master(Policy(code))
    master.begin(version=0, batch=0, now=0.0)
    assert feed(master, [message(code, j) for j in (4, 0)]) is None
    step = master.handle(message(code, 2))
    assert step.parts[0].decoding.matrix.tolist() == [[5 / 3, 0.0, 5 / 3, 0.0, 5 / 3]]


def test_segments_are_decoded_one_by_one():
    code = CODES["two-stage"]  # everybody's first segment, then one of workers 0 1 2 and one of 3 4 5
    master = Master(Policy(code))
    master.begin(version=0, batch=0, now=0.0)
    assert feed(master, [message(code, j, 0) for j in range(6)]) is None
    assert feed(master, [message(code, j, 1) for j in (5, 3, 4)]) is None
    step = master.handle(message(code, 1, 1))
    assert [[m.worker for m in part.messages] for part in step.parts] == [[0, 1, 2, 3, 4, 5], [1, 3, 4, 5]]


def test_it_gives_up_when_those_who_live_cannot_decode():
    code = CODES["fractional"]
    master = Master(Policy(code))
    master.begin(version=0, batch=0, now=0.0)
    assert feed(master, [Lost(0, 1.0, "killed"), Lost(2, 1.5, "killed")]) is None
    action = master.handle(Lost(4, 2.0, "burnt"))
    assert isinstance(action, GiveUp)
    assert "workers 0, 2, 4 (burnt; killed)" in action.reason
    assert [f.kind for f in master.failures] == ["died"] * 3


def test_a_loss_between_iterations_is_found_by_the_check():
    code = gcopt.families.uncoded(2)
    master = Master(Policy(code))
    master.begin(version=0, batch=0, now=0.0)
    assert isinstance(feed(master, [message(code, 0), message(code, 1), Lost(1, 1.0, "killed")]), Step)
    master.begin(version=1, batch=1, now=2.0)
    assert isinstance(master.check(), GiveUp)


def test_an_answer_counts_even_if_its_worker_died_after_it():
    code = CODES["fractional"]
    master = Master(Policy(code))
    master.begin(version=0, batch=0, now=0.0)
    dying = [message(code, 0), *(Lost(j, 1.0, "killed") for j in (0, 2, 4))]
    assert feed(master, dying) is None
    assert isinstance(master.handle(message(code, 1)), Step)


def test_who_returns_is_used_again():
    code = gcopt.families.uncoded(2)
    master = Master(Policy(code))
    master.begin(version=0, batch=0, now=0.0)
    master.dead[1] = "killed"
    assert isinstance(master.check(), GiveUp)
    assert master.handle(Returned(1, 1.0)) is None
    assert master.check() is None
    assert isinstance(feed(master, [message(code, 0), message(code, 1)]), Step)


def test_silence_is_suspected_then_ends_the_run_and_an_answer_ends_the_suspicion():
    code = gcopt.families.uncoded(3)
    master = Master(Policy(code), Patience(floor=0.1, least=1.0))
    for version in range(2):
        master.begin(version=version, batch=version, now=float(version))
        assert master.deadline == np.inf or version == 1
        feed(master, [message(code, j, version=version, time=version + 0.1) for j in range(3)])
    master.begin(version=2, batch=2, now=2.0)
    feed(master, [message(code, j, version=2, time=2.1) for j in (0, 1)])
    deadline = master.deadline
    assert 2.1 < deadline < 3.1
    assert master.handle(Tick(deadline)) is None
    assert master.silent == {2}
    assert isinstance(master.handle(message(code, 2, version=2, time=5.0)), Step)
    assert [f.kind for f in master.failures] == ["silent", "returned"]
    master.begin(version=3, batch=3, now=6.0)
    feed(master, [message(code, j, version=3, time=6.1) for j in (0, 1)])
    assert master.handle(Tick(master.deadline)) is None
    end = master.handle(Tick(master.deadline))
    assert isinstance(end, GiveUp)
    assert "from worker 2" in end.reason


def test_a_suspect_is_not_waited_for_if_the_others_decode():
    code = CODES["fractional"]
    master = Master(Policy(code, "count"), Patience(floor=0.1, least=50.0))
    for version in range(3):
        master.begin(version=version, batch=version, now=float(version))
        feed(master, [message(code, j, version=version, time=version + 0.1) for j in range(6)])
    master.begin(version=3, batch=3, now=3.0)
    assert feed(master, [message(code, j, version=3, time=3.1) for j in (0, 1)]) is None
    assert isinstance(master.handle(Tick(master.deadline)), Step)


def test_workers_that_always_come_too_late_are_not_suspected_but_hung_ones_are():
    code = CODES["fractional"]
    master = Master(Policy(code), Patience(floor=0.1))
    for version in range(60):
        now = 0.1 * version
        master.begin(version=version, batch=version, now=now)
        early = [message(code, j, version=version, time=now + 0.05) for j in (0, 1)]
        late = [message(code, j, version=version - 1, time=now + 0.06) for j in (2, 3, 4)]
        feed(master, [*early, *late])
    assert master.silent == {5}
    assert [f.worker for f in master.failures] == [5]


def test_nobody_is_blamed_before_an_answer_can_come():
    code = gcopt.families.uncoded(1)
    master = Master(Policy(code), Patience(floor=0.1, least=1.0))
    for version in range(2):
        master.begin(version=version, batch=version, now=float(version))
        feed(master, [message(code, 0, version=version, time=version + 0.1)])
    master.begin(version=2, batch=2, now=2.0)
    master.excuse(100.0)
    assert master.deadline > 100.0
    assert master.handle(Tick(50.0)) is None
    assert not master.failures


@given(blocks=st.integers(1, 3), workers=st.integers(0, 5), length=st.integers(0, 20), is_complex=st.booleans())
def test_combine_is_the_matrix_product(blocks, workers, length, is_complex):
    draw = np.random.default_rng(length)
    width = -(-length // blocks)
    c, y = draw.standard_normal((blocks, workers)), draw.standard_normal((workers, width))
    if is_complex:
        c, y = c * (1 + 2j), y * (0.5 - 1j)
    out = np.full(length, np.nan)
    combine(c, list(y), out)
    assert np.allclose(out, np.real(c @ y).ravel()[:length], rtol=1e-12, atol=1e-12)


def test_combine_works_in_stretches():
    draw = np.random.default_rng(0)
    c, y = draw.standard_normal((2, 3)), draw.standard_normal((3, 20_000))
    out = np.empty(39_999)
    combine(c, list(y), out)
    assert np.allclose(out, (c @ y).ravel()[:-1])


def by_deadline(code, **options):
    master = Master(Policy(code, "deadline", deadline=2.0, **options))
    master.begin(version=0, batch=0, now=10.0)
    return master


def test_a_deadline_ends_the_wait_with_whoever_has_answered():
    master = by_deadline(CODES["fractional"])
    assert master.deadline == np.inf  # nobody can be taken yet
    assert feed(master, [message(CODES["fractional"], j, time=10.5) for j in (0, 2)]) is None
    assert master.deadline == 12.0
    assert master.handle(Tick(11.9)) is None
    assert feed(master, [message(CODES["fractional"], 4, time=12.0)]) is None  # by then is in time
    step = master.handle(Tick(12.0))
    assert [m.worker for m in step.parts[0].messages] == [0, 2, 4]
    assert step.parts[0].decoding.error == pytest.approx(3.0)


def test_before_the_deadline_exact_answers_are_enough():
    master = by_deadline(CODES["fractional"])
    assert feed(master, [message(CODES["fractional"], 0, time=10.5)]) is None
    assert isinstance(master.handle(message(CODES["fractional"], 1, time=10.6)), Step)


def test_fixed_coefficients_wait_for_everybody_or_the_deadline_or_a_given_tolerance():
    code = gcopt.families.ignore_stragglers(4, 1)  # one lost of four: 1 + 3 / 9 of 4
    everybody = [message(code, j, time=10.1 + j / 10) for j in range(4)]
    master = by_deadline(code)
    assert feed(master, everybody[:3]) is None
    assert isinstance(master.handle(everybody[3]), Step)
    assert isinstance(feed(by_deadline(code, tolerate=1 / 3), everybody[:3]), Step)


def test_after_a_deadline_at_which_nobody_had_answered_the_first_answer_is_taken():
    master = by_deadline(CODES["two-stage"])
    assert master.handle(Tick(np.nextafter(12.0, 13.0))) is None
    assert master.handle(message(CODES["two-stage"], 3, 0, time=12.5)) is None
    assert master.deadline == np.inf  # its second segment has been heard of by nobody
    step = master.handle(message(CODES["two-stage"], 3, 1, time=13.0))
    assert [[m.worker for m in part.messages] for part in step.parts] == [[3], [3]]


def test_a_repeated_beginning_puts_the_deadline_off():
    master = by_deadline(CODES["fractional"])
    master.postpone(5.0)
    feed(master, [message(CODES["fractional"], 0, time=15.5)])
    assert master.deadline == 17.0


def test_a_replay_knows_no_deadline():
    master = Master(Policy(CODES["fractional"], "deadline", deadline=2.0))
    master.begin(version=0, batch=0, now=0.0, only=[np.arange(6) < 2])
    assert feed(master, [message(CODES["fractional"], 0, time=0.5)]) is None
    assert master.deadline == np.inf
    assert master.handle(Tick(3.0)) is None
    assert isinstance(master.handle(message(CODES["fractional"], 1, time=9.0)), Step)


def test_within_a_tolerance_the_lost_are_not_waited_for():
    code = CODES["fractional"]  # workers 0 2 4 do the same, and 1 3 5
    master = Master(Policy(code, tolerate=0.1))
    master.begin(version=0, batch=0, now=0.0)
    assert feed(master, [message(code, 0), Lost(1, 1.0, "killed"), Lost(3, 1.0, "killed"), message(code, 2)]) is None
    assert master.handle(message(code, 4)) is None
    step = master.handle(Lost(5, 2.0, "killed"))
    assert [m.worker for m in step.parts[0].messages] == [0, 2, 4]
    half = Master(Policy(code, tolerate=0.5))
    half.begin(version=0, batch=0, now=0.0)
    assert isinstance(half.handle(message(code, 0)), Step)


def test_within_a_tolerance_the_silent_are_not_waited_for():
    code = CODES["fractional"]
    master = Master(Policy(code, tolerate=0.1), Patience(floor=0.1, least=50.0))
    for version in range(8):
        master.begin(version=version, batch=version, now=float(version))
        for j in range(6):
            master.handle(message(code, j, version=version, time=version + 0.1))
    master.begin(version=8, batch=8, now=8.0)
    assert feed(master, [message(code, j, version=8, time=8.1) for j in (0, 2)]) is None
    step = master.handle(Tick(master.deadline))
    assert [m.worker for m in step.parts[0].messages] == [0, 2]
    assert master.silent == {1, 3, 4, 5}


def test_an_unknown_rule_is_refused():
    with pytest.raises(InputError, match="decodable, count or deadline"):
        Policy(CODES["cyclic"], "forever")


@pytest.mark.parametrize(
    "code",
    [
        gcopt.families.cyclic_mds(12, 3),
        gcopt.families.placement(10, 3, rng=0),
        gcopt.families.grouped(9, 2, rng=0),
        CODES["blocks"],
    ],
    ids=["cyclic-mds", "placement", "grouped", "blocks"],
)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_it_steps_at_the_first_answer_that_decodes_by_brute_force(code, data):
    master = Master(Policy(code))
    master.begin(version=0, batch=0, now=0.0)
    matrix, target = code.segments[0].encoding.toarray(), code.segments[0].target
    for c in range(1, len(code.segments)):
        feed(master, [message(code, j, c) for j in range(code.workers)])
    heard = []
    for worker in data.draw(st.permutations(range(code.workers))):
        heard.append(worker)
        rows = matrix[heard].T
        found = np.linalg.lstsq(rows, target.T.astype(rows.dtype), rcond=1e-12)[0]
        exact = np.sum(np.abs(rows @ found - target.T) ** 2) <= 1e-12 * target.shape[1]
        assert (master.handle(message(code, worker)) is not None) == exact
        if exact:
            return
    pytest.fail("everybody together decodes")
