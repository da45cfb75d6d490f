import csv
from pathlib import Path

import numpy as np
import pytest

from gcopt.errors import InputError
from gcopt.tabulating.training import FIELDS, Field, training
from gcopt.tabulating.training_views import draw, sections
from gcopt.training.problems import Logistic

CLUSTER = """
[cluster]
workers = 6
[cluster.compute]
model = "shifted-exponential"
rate = 1.0
shift = 1.0
"""

TINY = Field("six", ((6, 2),), 64, (2,), (0.1, 0.2), (2,))

KINDS = [
    "uncoded",
    "ignored stragglers",
    "repetition, exact",
    "best exact design",
    "repetition, nearly exact",
    "algebraic, nearly exact",
    "searched",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("clusters")
    (made / "six.toml").write_text(CLUSTER)
    return made


@pytest.fixture(scope="module")
def some(folder):
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((240, 5))
    problem = Logistic(rows, (rows[:, 0] + 0.5 * rng.standard_normal(240) > 0).astype(float), regularization=0.1)
    return list(training(0, (TINY,), 8, folder=folder, problem=problem))


@pytest.fixture(scope="module")
def committed():
    with (Path(__file__).parent.parent / "tables" / "training.csv").open() as file:
        return list(csv.DictReader(file))


def seconds(cell):
    return float("inf") if cell == "never" else float(cell)


def check(rows):
    uncoded = next(row for row in rows if row["kind"] == "uncoded")
    for row in rows:
        assert seconds(row["least"]) <= seconds(row["most"])
        assert seconds(row["s to 1 %"]) <= seconds(row["s to 0.1 %"])
        if row["kind"] in ("uncoded", "repetition, exact", "best exact design"):
            assert float(row["worst error %"]) == 0.0
            assert row["loss"] == uncoded["loss"]  # the same gradients, only sooner or later
        if row["tolerate"] and row["kind"] != "searched":
            assert float(row["worst error %"]) <= 100 * float(row["tolerate"]) * 1.01


def test_exact_codes_train_alike_and_errors_stay_within_what_is_tolerated(some, committed):
    check(some)
    for field in FIELDS:
        check([row for row in committed if row["cluster"] == field.name])


def test_every_kind_is_on_every_cluster(some, committed):
    assert [row["kind"] for row in some] == KINDS
    assert [(row["cluster"], row["kind"]) for row in committed] == [(f.name, kind) for f in FIELDS for kind in KINDS]


def test_the_committed_codes_repeat_what_the_text_says(committed):
    """Where nobody stalls nothing beats exact codes by much; where many stall an error pays."""
    best = {}
    for row in committed:
        kind = "exact" if float(row["worst error %"]) == 0.0 else "bounded" if row["tolerate"] else "ignored"
        key = row["cluster"], kind
        best[key] = min(best.get(key, float("inf")), seconds(row["s to 1 %"]))
    assert best["stalling-57", "bounded"] < best["stalling-57", "exact"]
    assert best["shifted-exponential-20", "bounded"] > best["shifted-exponential-20", "exact"]
    assert best["shifted-exponential-20", "ignored"] < best["shifted-exponential-20", "exact"]


def test_sections_and_picture(some, tmp_path):
    first, one = sections(some)
    (row,) = first.rows
    assert row["cluster"] == "six"
    assert len(one.rows) == len(KINDS)
    assert "loss" not in one.rows[0]
    (path,) = draw(some, tmp_path)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_without_the_examples_it_says_what_is_needed(tmp_path):
    with pytest.raises(InputError, match="needs a checkout"):
        next(training(0, (TINY,), 8, folder=tmp_path, problem=object()))
