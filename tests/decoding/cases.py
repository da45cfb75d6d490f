"""A decoder held against least squares by numpy alone."""

import numpy as np

from tests.helpers import best_coefficients, error_of, noise_of


def check(decoder, heard, tight=True):
    """A decoding has the error, the estimates and the noise of least squares."""
    matrix = decoder.segment.encoding.toarray()
    best = best_coefficients(matrix, heard, decoder.segment.blocks)
    error = error_of(matrix, best)
    found = decoder(heard)
    slack = 1e-12 * matrix.shape[1]
    assert abs(found.error - error) <= 1e-9 * error + slack
    np.testing.assert_allclose(found.matrix @ matrix, best @ matrix, rtol=0, atol=1e-8)
    assert not found.matrix[:, ~heard].any()
    if tight:
        assert noise_of(matrix, found.matrix) <= noise_of(matrix, best) * (1 + 1e-6) + 1e-9


def kinds(decoder):
    return {component.kind.name for component in decoder.components}
