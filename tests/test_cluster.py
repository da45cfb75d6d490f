"""Clusters: sampling, files in and out, what bad files are told."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcopt.cluster import NOTHING, Cluster, Failures, Job, Network, Racks, Trace
from gcopt.delays import Delay
from gcopt.errors import InputError

ROOT = Path(__file__).parents[1]
EXPONENTIAL = Delay("exponential", {"rate": 1.0})
MINIMAL = '[cluster]\nworkers = 3\n[cluster.compute]\nmodel = "exponential"\nrate = 1.0\n'


def everything(**changes):
    parts = {
        "workers": 4,
        "compute": Delay("weibull", {"shape": 0.7, "scale": 1e-9, "shift": 3.0}),
        "overhead": Delay("deterministic", {"value": 0.25}),
        "slowness": [1.0, 1.5, 2.0, 1 / 3],
        "network": Network(0.001, 1e9, 1e16),
        "failures": Failures(0.01, 30.0, 100.0),
        "racks": Racks((0, 0, 1, 1), 0.3),
        "job": Job(20_000, 50, 8, 0.5),
        "transfer": Delay("gamma", {"shape": 2.0, "scale": 1 / 3}),
    }
    return Cluster(**{**parts, **changes})


def test_every_shipped_cluster_file_loads():
    files = [*ROOT.glob("examples/*.toml"), *ROOT.glob("gcopt/data/*.toml")]
    assert len(files) >= 4
    for path in files:
        cluster = Cluster.load(path)
        assert Cluster.loads(cluster.dumps()) == cluster
        assert np.isfinite(cluster.sample(10, rng=0).compute).all()


def test_serverless_example_has_the_published_figures():
    assert os.readlink(ROOT / "examples/serverless-256.toml") == "../gcopt/data/serverless-256.toml"
    cluster = Cluster.load(ROOT / "examples/serverless-256.toml").replace(failures=Failures())
    times = cluster.sample(4000, rng=0)
    replay = {0: 1.61, 1: 1.47, 4: 1.30, 16: 1.09, 32: 0.92, 64: 0.99}
    model = {s: np.sort(times.finish((s + 1) / 256), axis=1)[:, 255 - s].mean() for s in replay}
    for s, measured in replay.items():
        assert model[s] == pytest.approx(measured, rel=0.17)
    assert min(model, key=model.get) == min(replay, key=replay.get) == 32


def test_defaults_of_a_minimal_file():
    cluster = Cluster.loads(MINIMAL)
    assert cluster == Cluster(3, EXPONENTIAL)
    assert cluster.alike
    assert cluster.job.work == 1.0
    assert cluster.failures.probability == 0.0
    assert cluster.network.bandwidth == np.inf
    assert "transfer" not in cluster.dumps()
    assert not cluster.sample(3, rng=0).transfer.any()


def test_round_trip_through_a_file(tmp_path):
    cluster = everything()
    cluster.save(tmp_path / "c.toml")
    again = Cluster.load(tmp_path / "c.toml")
    assert again == cluster
    assert hash(again) == hash(cluster)
    assert pickle.loads(pickle.dumps(cluster)) == cluster
    assert os.listdir(tmp_path) == ["c.toml"]
    assert again != cluster.replace(slowness=[1.0, 1.5, 2.0, 0.5])


def test_traces_are_written_beside_the_file(tmp_path):
    times = np.array([[0.1, 1 / 3], [np.inf, 1e-300], [2.0, 0.0]])
    cluster = Cluster(2, Trace(times, replay=True), overhead=Trace(times[:1]), transfer=Trace(times[1:]))
    cluster.save(tmp_path / "c.toml")
    assert sorted(os.listdir(tmp_path)) == ["c.compute.csv", "c.overhead.csv", "c.toml", "c.transfer.csv"]
    assert Cluster.load(tmp_path / "c.toml") == cluster
    assert Cluster.loads((tmp_path / "c.toml").read_text(), base=tmp_path) == cluster


positive = st.floats(1e-6, 1e6)


@given(
    data=st.data(),
    n=st.integers(1, 5),
    rate=positive,
    shift=st.floats(0, 1e300),
    probability=st.floats(0, 1),
    recovery=st.floats(0, np.inf),
    bandwidth=st.floats(1e-300, np.inf),
    partitions=st.none() | st.integers(1, 10**6),
)
def test_toml_round_trip(data, n, rate, shift, probability, recovery, bandwidth, partitions):
    cluster = Cluster(
        n,
        Delay("shifted-exponential", {"rate": rate, "shift": shift}),
        slowness=data.draw(st.lists(positive, min_size=n, max_size=n)),
        network=Network(0.0, bandwidth),
        failures=Failures(probability, recovery),
        racks=Racks(tuple(data.draw(st.lists(st.integers(0, 9), min_size=n, max_size=n))), rate),
        job=Job(7, 3, partitions, rate),
    )
    assert Cluster.loads(cluster.dumps()) == cluster


def test_samples_repeat_and_go_on():
    cluster = everything()
    for name in ("compute", "overhead", "stall", "transfer"):
        first, again = (getattr(cluster.sample(50, rng=3), name) for _ in range(2))
        assert first.shape == (50, 4)
        assert (first == again).all()
    draws = np.random.default_rng(0)
    assert (cluster.sample(5, draws).compute != cluster.sample(5, draws).compute).all()


def test_slowness_multiplies_the_computing_time_alone():
    slow = np.array([1.0, 2.0, 4.0])
    cluster = Cluster(3, EXPONENTIAL, overhead=Delay("gamma", {"shape": 2.0, "scale": 1.0}), slowness=slow)
    plain = cluster.replace(slowness=np.ones(3))
    np.testing.assert_allclose(cluster.sample(9, 1).compute, plain.sample(9, 1).compute * slow)
    assert (cluster.sample(9, 1).overhead == plain.sample(9, 1).overhead).all()
    np.testing.assert_allclose(cluster.speeds, (1 / slow) / (1 / slow).mean())
    assert not cluster.alike


def test_a_transfer_time_is_drawn_after_everything_else():
    cluster = everything(overhead=EXPONENTIAL, failures=Failures(0.5, 30.0))
    drawn, plain = cluster.sample(50, rng=3), cluster.replace(transfer=NOTHING).sample(50, rng=3)
    for name in ("compute", "overhead", "stall"):
        assert (getattr(drawn, name) == getattr(plain, name)).all()
    assert drawn.transfer.min() > 0
    assert len(np.unique(drawn.transfer)) == 200
    some = drawn.rows(slice(10, 20))
    assert (some.transfer == drawn.transfer[10:20]).all()


def test_racks_share_a_factor_of_median_one():
    cluster = Cluster(4, Delay("deterministic", {"value": 1.0}), racks=Racks((0, 0, 1, 1), 0.5))
    compute = cluster.sample(20_000, rng=0).compute
    assert (compute[:, 0] == compute[:, 1]).all()
    assert (compute[:, 1] != compute[:, 2]).all()
    assert np.median(compute) == pytest.approx(1.0, abs=0.02)
    assert np.log(compute).std() == pytest.approx(0.5, rel=0.02)


def test_failures_come_at_their_rate():
    stall = Cluster(10, EXPONENTIAL, failures=Failures(0.1, 30.0)).sample(5000, rng=0).stall
    assert set(np.unique(stall)) == {0.0, 30.0}
    assert (stall > 0).mean() == pytest.approx(0.1, abs=4 * np.sqrt(0.09 / 50_000))
    never = Cluster(10, EXPONENTIAL, failures=Failures(0.5)).sample(10, rng=0)
    assert np.isinf(never.stall).any()
    assert np.isinf(never.finish(1.0)).any()


def test_a_trace_is_replayed_in_order_from_any_round():
    times = np.arange(1.0, 7.0).reshape(3, 2)
    cluster = Cluster(2, Trace(times, replay=True))
    assert (cluster.sample(5, start=2).compute == times[[2, 0, 1, 2, 0]]).all()


def test_a_trace_is_drawn_by_whole_rounds():
    times = np.arange(1.0, 7.0).reshape(3, 2)
    compute = Cluster(2, Trace(times)).sample(200, rng=0).compute
    assert (compute[:, 1] == compute[:, 0] + 1.0).all()
    assert set(compute[:, 0]) == {1.0, 3.0, 5.0}


def test_no_answer_in_a_trace_is_a_stall_for_ever():
    cluster = Cluster(2, Trace([[1.0, 2.0], [np.inf, 4.0], [3.0, 6.0]], replay=True))
    times = cluster.sample(3)
    assert np.isfinite(times.compute).all()
    assert np.isinf(times.stall).tolist() == [[False, False], [True, False], [False, False]]
    np.testing.assert_allclose(cluster.speeds, np.array([1 / 2, 1 / 4]) / 0.375)
    for part in ("overhead", "transfer"):
        other = Cluster(2, EXPONENTIAL, **{part: Trace([[np.inf, 1.0], [1.0, 1.0]], replay=True)}).sample(2, rng=0)
        assert np.isinf(other.stall).tolist() == [[True, False], [False, False]]


def test_finish_adds_up():
    cluster = everything(failures=Failures(0.5, 30.0))
    times = cluster.sample(20, rng=0)
    work = np.array([0.0, 1.0, 2.0, 3.0])
    np.testing.assert_allclose(times.finish(work), times.overhead + times.stall + times.compute * work)


def test_order_statistics_are_exact_where_they_can_be():
    cluster = Cluster(3, EXPONENTIAL, overhead=Delay("deterministic", {"value": 1.0}), slowness=[2.0] * 3)
    exact = cluster.order_statistics(work=0.5)
    np.testing.assert_allclose(exact.values, 1.0 + np.array([1 / 3, 1 / 3 + 1 / 2, 1 / 3 + 1 / 2 + 1]))
    assert not exact.stderr.any()
    assert Cluster.loads(MINIMAL).order_statistics().values[-1] == pytest.approx((1 + 1 / 2 + 1 / 3) / 3)


def test_order_statistics_of_unequal_workers_are_sampled():
    cluster = Cluster(2, EXPONENTIAL, slowness=[1.0, 3.0])
    sampled = cluster.order_statistics(work=1.0, rng=0)
    first = 1 / (1 + 1 / 3)
    assert abs(sampled.values[0] - first) < 4 * sampled.stderr[0]
    assert abs(sampled.values[1] - (1 + 3 - first)) < 4 * sampled.stderr[1]


BAD = {
    "workers = 3": "no compute; it is required",
    'workers = 0\n[cluster.compute]\nmodel = "exponential"\nrate = 1.0': "workers is 0; an integer of at least 1",
    'workers = 2.5\n[cluster.compute]\nmodel = "exponential"\nrate = 1.0': "workers is 2.5; an integer",
    'wokers = 3\n[cluster.compute]\nmodel = "exponential"\nrate = 1.0': "unknown key 'wokers'; did you mean 'workers'",
    "workers = 3\ncompute = 5": "compute is 5; a section is expected",
    "workers = 3\n[cluster.compute]\nrate = 1.0": "has no model; one of shifted-exponential",
    'workers = 3\n[cluster.compute]\nmodel = "exponental"\nrate = 1.0': "did you mean 'exponential'",
    "workers = 3\n[cluster.compute]\nmodel = 7": "model is 7; there are",
    'workers = 3\n[cluster.compute]\nmodel = "exponential"': r"\[cluster.compute\] exponential needs rate",
    'workers = 3\n[cluster.compute]\nmodel = "exponential"\nrat = 1.0': "unknown key 'rat'; did you mean 'rate'",
    'workers = 3\n[cluster.compute]\nmodel = "exponential"\nrate = "1.0"': "rate is '1.0'; a positive number",
    'workers = 3\n[cluster.compute]\nmodel = "exponential"\nrate = nan': "rate is nan; a positive number",
    'workers = 3\n[cluster.compute]\nmodel = "exponential"\nrate = true': "rate is True; a positive number",
    'workers = 3\n[cluster.compute]\nmodel = "trace"': "no trace; trace = ",
    "workers = 3\n[cluster.compute]\ntrace = 3": "trace is 3; the name of a CSV",
    'workers = 3\n[cluster.compute]\ntrace = "none.csv"': "none.csv: no such file",
    'workers = 3\n[cluster.compute]\ntrace = "three.csv"\nreplay = 1': "replay is 1; true",
    'workers = 3\n[cluster.compute]\ntrace = "three.csv"\nmodel = "gamma"': "both a model and a trace",
    'workers = 2\n[cluster.compute]\ntrace = "three.csv"': "3 columns; one for each of the 2 workers",
    f"{MINIMAL[10:]}slowness = [1.0, 2.0]": "slowness has 2 entries; one for each of the 3 workers",
    f"{MINIMAL[10:]}slowness = [1.0, 2.0, 0]": r"slowness\[2\] is 0; a positive number",
    f"{MINIMAL[10:]}slowness = 2.0": "slowness is 2.0; a list",
    f"{MINIMAL[10:]}[cluster.network]\nlatency = -1": r"\[cluster.network\] latency is -1; a number of at least 0",
    f"{MINIMAL[10:]}[cluster.network]\nbandwith = 1": "did you mean 'bandwidth'",
    f"{MINIMAL[10:]}[cluster.failures]\nprobability = 1.5": "probability is 1.5; a number from 0 to 1",
    f"{MINIMAL[10:]}[cluster.racks]\nof = [0, 0, 1]": "sigma is missing; it takes of, sigma",
    f"{MINIMAL[10:]}[cluster.racks]\nof = [0, 1]\nsigma = 0.1": "racks: of has 2 entries",
    f"{MINIMAL[10:]}[cluster.racks]\nof = [0, 1, -1]\nsigma = 0.1": r"of\[2\] is -1",
    f"{MINIMAL[10:]}[cluster.overhead]\nvalue = 1": r"\[cluster.overhead\] has no model",
    f"{MINIMAL[10:]}[cluster.transfer]\nrate = 1": r"\[cluster.transfer\] has no model",
    f'{MINIMAL[10:]}[cluster.transfer]\nmodel = "gama"': r"\[cluster.transfer\] model is 'gama'; did you mean 'gamma'",
    f'{MINIMAL[10:]}[cluster.transfer]\nmodel = "exponential"\nrate = -1': "rate is -1; a positive number",
    f'{MINIMAL[10:]}[cluster.transfer]\nmodel = "deterministic"\nvalue = -1': "value is -1; a number of at least 0",
    f'{MINIMAL[10:]}[cluster.transfer]\nmodel = "exponential"\nrate = 1\nshift = 1': "unknown key 'shift'",
    f'{MINIMAL[10:]}[cluster.transfer]\nmodel = "deterministic"\nvalue = 1\nslowness = [1]': "unknown key 'slowness'",
    f'{MINIMAL[10:]}[cluster.transfer]\ntrace = "three.csv"\nmodel = "gamma"': "both a model and a trace",
    f"{MINIMAL[10:]}[cluster.transfr]\nrate = 1": "did you mean 'transfer'",
    f"{MINIMAL[10:]}[cluster.racs]\nx = 1": "did you mean 'racks'",
    f"{MINIMAL[10:]}[job]\nsamples = 0": r"\[job\] samples is 0; an integer of at least 1",
    f"{MINIMAL[10:]}[job]\nunit = inf": "unit is inf; a finite number",
    f"{MINIMAL[10:]}[jobs]\nunit = 1": "unknown key 'jobs'; did you mean 'job'",
    "workers = = 3": "not valid TOML",
}


@pytest.mark.parametrize("text", BAD, ids=list(BAD.values()))
def test_bad_files_are_named_with_what_was_expected(tmp_path, text):
    (tmp_path / "three.csv").write_text("1,2,3\n")
    path = tmp_path / "bad.toml"
    path.write_text("[cluster]\n" + text)
    with pytest.raises(InputError, match=BAD[text]) as caught:
        Cluster.load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match=r"none.toml: no such file"):
        Cluster.load(tmp_path / "none.toml")
    with pytest.raises(InputError, match="a folder; a cluster file"):
        Cluster.load(tmp_path)
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not a text file"):
        Cluster.load(tmp_path / "binary.toml")


def test_nothing_is_left_where_nothing_can_be_written(tmp_path):
    cluster = Cluster(2, Trace([[1.0, 2.0]]))
    with pytest.raises(InputError, match="cannot be written"):
        cluster.save(tmp_path / "none" / "c.toml")
    (tmp_path / "c.toml").mkdir()
    with pytest.raises(InputError, match="cannot be written"):
        cluster.save(tmp_path / "c.toml")
    assert os.listdir(tmp_path) == ["c.toml"]


def test_bad_arguments():
    with pytest.raises(InputError, match="iterations is 0"):
        Cluster.loads(MINIMAL).sample(0)
    with pytest.raises(InputError, match="seconds >= 0 are expected"):
        Trace([[1.0, -1.0]])
    with pytest.raises(InputError, match="worker 1 never answered"):
        Trace([[1.0, np.inf]])
