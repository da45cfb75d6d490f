"""What every search shares on the command line: its chains in a file, from which it goes on."""

import json

import numpy as np
import pytest

from gcopt.effort import SECONDS, Effort
from gcopt.errors import InputError
from gcopt.solvers.chains import Chain

ABOUT = {"solver": "mine", "workers": 3, "seed": 0}
CHAINS = [Chain(0, 20, 0.1, {"x": np.array([1.5, 2.0]), "best y": np.array([[3]])}), Chain(2, 10, np.inf, {})]


def test_chains_are_read_back_bit_for_bit(tmp_path):
    effort = Effort(checkpoint=tmp_path / "chains.npz")
    assert effort.kept(ABOUT).chains == []
    effort.kept(ABOUT).write(CHAINS)
    back = effort.kept(ABOUT).chains
    assert [(c.number, c.moves, c.value) for c in back] == [(0, 20, 0.1), (2, 10, np.inf)]
    for name, array in CHAINS[0].arrays.items():
        np.testing.assert_array_equal(back[0].arrays[name], array)


def test_without_a_file_nothing_is_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Effort().kept(ABOUT).write(CHAINS)
    assert list(tmp_path.iterdir()) == []


def test_chains_of_another_search_are_refused(tmp_path):
    effort = Effort(checkpoint=tmp_path / "chains.npz")
    effort.kept(ABOUT).write(CHAINS)
    with pytest.raises(InputError, match=r"chains.npz: belongs to another search \(seed, workers\)"):
        effort.kept({**ABOUT, "workers": 4, "seed": 1})


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_damaged_files_are_refused(tmp_path, share):
    path = tmp_path / "chains.npz"
    Effort(checkpoint=path).kept(ABOUT).write(CHAINS)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(InputError, match=r"chains.npz: not a search that can go on"):
        Effort(checkpoint=path).kept(ABOUT)


def test_a_foreign_archive_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", search=np.array(json.dumps({"schema": "other", "about": {}, "chains": []})))
    with pytest.raises(InputError, match="belongs to another search"):
        Effort(checkpoint=tmp_path / "a.npz").kept(ABOUT)


def test_limits():
    assert Effort().search(3).seconds == SECONDS
    assert Effort(moves=(5, 6)).search(3).moves == (5, 6)
    assert Effort(seconds=2.0, processes=2).search(3).processes == 2
    with pytest.raises(InputError, match="seconds and moves are both given"):
        Effort(seconds=1.0, moves=(5,))
