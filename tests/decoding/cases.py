"""Least squares by numpy alone, and codes to hold it against."""

import networkx as nx
import numpy as np

FANO = np.array([[(p - b) % 7 in (0, 1, 3) for p in range(7)] for b in range(7)], dtype=float)
PLANE = np.array([[(p - b) % 13 in (0, 1, 3, 9) for p in range(13)] for b in range(13)], dtype=float)
PETERSEN = nx.petersen_graph()


def incidence(graph):
    """Edges are workers."""
    return np.abs(nx.incidence_matrix(graph).toarray().T)


def least_squares(matrix, heard, blocks=1):
    """Estimates R B, error and coefficients of least noise, by numpy's least squares on rows of length 1."""
    target = np.kron(np.eye(blocks), np.ones((matrix.shape[1] // blocks, 1)))
    norms = np.linalg.norm(matrix, axis=1)
    used = heard & (norms > 0)
    unit = matrix[used] / norms[used][:, None]
    found = np.linalg.lstsq(unit.T, target.astype(unit.dtype), rcond=1e-12)[0]
    estimate = unit.T @ found
    coefficients = np.zeros((len(matrix), blocks), dtype=found.dtype)
    coefficients[used] = found / norms[used][:, None]
    return estimate.T, float(np.sum(abs(estimate - target) ** 2)), coefficients.T


def noise(matrix, coefficients):
    return float(np.linalg.norm(coefficients * np.linalg.norm(matrix, axis=1)))


def check(decoder, heard, tight=True):
    """A decoding has the error, the estimates and the noise of least squares."""
    matrix = decoder.segment.encoding.toarray()
    estimate, error, coefficients = least_squares(matrix, heard, decoder.segment.blocks)
    found = decoder(heard)
    slack = 1e-12 * matrix.shape[1]
    assert abs(found.error - error) <= 1e-9 * error + slack
    np.testing.assert_allclose(found.matrix @ matrix, estimate, rtol=0, atol=1e-8)
    assert not found.matrix[:, ~heard].any()
    if tight:
        assert noise(matrix, found.matrix) <= noise(matrix, coefficients) * (1 + 1e-6) + 1e-9


def kinds(decoder):
    return {component.kind.name for component in decoder.components}
