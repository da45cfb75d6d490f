"""Graphs in files: what is read, and the one line that says why something is not."""

import numpy as np
import pytest
from scipy import sparse
from scipy.io import mmwrite

from gcopt.combinatorics.graphs.building import edges_of
from gcopt.combinatorics.graphs.reading import read_graph
from gcopt.combinatorics.graphs.triangular import kneser
from gcopt.errors import InputError

PETERSEN = kneser(5)


def test_every_format_gives_the_same_graph(tmp_path):
    dense, edges = PETERSEN.toarray(), edges_of(PETERSEN)
    lines = {
        "a.txt": ["# Petersen", "", *(f"{x}  {y}" for x, y in edges)],
        "a.edges": [f"{y + 1}\t{x + 1}  # one-based" for x, y in edges],
        "edges.csv": [f"{x}, {y}" for x, y in edges],
        "matrix.csv": [",".join(map(str, row)) for row in dense],
    }
    for name, text in lines.items():
        (tmp_path / name).write_text("\n".join(text) + "\n")
    sparse.save_npz(tmp_path / "a.npz", PETERSEN)
    np.savez(tmp_path / "dense.npz", dense)
    mmwrite(tmp_path / "a.mtx", sparse.coo_matrix(PETERSEN))
    for name in (*lines, "a.npz", "dense.npz", "a.mtx"):
        assert (read_graph(tmp_path / name).toarray() == dense).all(), name


def test_a_matrix_of_two_rows_is_no_list(tmp_path):
    (tmp_path / "edge.csv").write_text("0,1\n1,0\n")
    assert read_graph(tmp_path / "edge.csv").toarray().tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.txt", "", "the file is empty"),
        ("a.txt", "# nothing\n", "the file is empty"),
        ("a.txt", "0 1\n1 2\n", "vertices have 1 to 2 neighbours; a regular graph"),
        ("a.txt", "0 0\n", "vertex 0 has a loop"),
        ("a.txt", "0 1\n1 0\n", "edge 0 - 1 is listed 2 times"),
        ("a.txt", "0 1 2\n", "line 1 has 3 entries; 2 are expected"),
        ("a.txt", "0 1\na b\n", "line 2 holds something that is not a whole number: 'a b'"),
        ("a.txt", "0 1.5\n", "line 1 holds something that is not a whole number"),
        ("a.csv", "0,1,0\n0,0,1\n1,0,0\n", "0 and 1 are joined in one direction only"),
        ("a.csv", "0,2\n2,0\n", "an entry is 2"),
        ("a.csv", "1,0\n0,1\n", "vertex 0 has a loop"),
        ("a.csv", "0,0\n0,0\n", "no edges"),
        ("a.csv", "0,1,1\n1,0,1\n", "line 1 has 3 entries; 2 are expected"),
        ("a.xyz", "0 1\n", "the ending says no format"),
        ("a.npz", "nonsense", ""),
        ("a.mtx", "nonsense", ""),
    ],
)
def test_what_is_no_graph_is_refused_in_one_line_that_names_the_file(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError) as caught:
        read_graph(tmp_path / name)
    said = str(caught.value)
    assert said.startswith(f"{tmp_path / name}: ")
    assert message in said
    assert "\n" not in said


def test_other_files_are_refused_too(tmp_path):
    with pytest.raises(InputError, match=r"missing.txt: cannot be read \(No such file or directory\)"):
        read_graph(tmp_path / "missing.txt")
    np.savez(tmp_path / "wide.npz", np.ones((2, 3)))
    with pytest.raises(InputError, match=r"wide.npz: a 2 x 3 matrix; an adjacency matrix is square"):
        read_graph(tmp_path / "wide.npz")
    np.savez(tmp_path / "nan.npz", np.array([[0, np.nan], [np.nan, 0]]))
    with pytest.raises(InputError, match=r"nan.npz: an entry is nan"):
        read_graph(tmp_path / "nan.npz")
