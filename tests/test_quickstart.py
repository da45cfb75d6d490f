import json
from pathlib import Path

import numpy as np

import gcopt
from gcopt.files import load


def test_quickstart_shows_the_gain_on_both_clusters(gcopt):
    done = gcopt("quickstart", "--json")
    assert done.code == 0, done.err
    document = done.json
    assert document["schema"] == "gcopt.quickstart/1"
    assert document["ok"] is True
    assert document["speedup"] == min(c["speedup"] for c in document["clusters"]) > 1.5
    model, serverless = document["clusters"]
    assert model["family"] == "uncoded"  # one worker is always slow: less work for it beats any code
    assert "Do not code" in model["advice"]
    assert serverless["load"] > 1
    for one in document["clusters"]:
        assert one["verified"]
        assert one["uncoded"]["loss"] == np.float64(one["uncoded"]["loss"])
        assert abs(one["uncoded"]["loss"] - one["designed"]["loss"]) < 1e-9
        assert one["designed"]["auc"] > 0.7
        assert abs(one["designed"]["seconds_per_iteration"] - one["value"]) < 0.2 * one["value"]
    folder = Path(document["folder"])
    assert (folder / "loss-against-time.png").read_bytes().startswith(b"\x89PNG")
    for one in document["clusters"]:
        code = load(folder / f"{one['name']}.npz")
        matrix = load(folder / f"{one['name']}.mtx")
        assert (abs(code.segments[0].encoding - matrix.segments[0].encoding)).max() == 0
        placed = json.loads((folder / f"{one['name']}-placement.json").read_text())
        assert len(placed["workers"]) == code.workers


def test_a_folder_that_cannot_be_made(gcopt):
    Path("file").write_text("")
    done = gcopt("quickstart", "--folder", "file/x")
    assert done.code == 2
    assert "file/x" in done.err


def test_package_exports_what_the_readme_uses():
    assert {"fit", "design", "verify", "simulate", "train", "save", "load", "export", "decode"} <= set(gcopt.__all__)
