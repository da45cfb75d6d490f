"""Quadratic losses: the mean squared distance to the minimum after every step, exactly."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gcopt.checks import check_count, check_finite
from gcopt.code import GradientCode
from gcopt.compression import Compressor, Dither, RandomK
from gcopt.compression.top import how_many
from gcopt.convergence._summing import chances_of, compressor_of, summing_rows
from gcopt.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SecondMoment:
    """Mean and second moment of the parameters of a run.

    Attributes
    ----------
    distance : array, shape (iterations + 1,)
        E |theta_t - theta*|^2.
    minimum : array, shape (D,)
        theta*.
    mean : array, shape (D,)
        E theta after the last step.
    second : array, shape (D, D)
        E (theta - theta*)(theta - theta*)^T after the last step.
    """

    distance: Floats
    minimum: Floats = field(repr=False)
    mean: Floats = field(repr=False)
    second: Floats = field(repr=False)


def second_moment(
    code: GradientCode,
    hessians: ArrayLike,
    linear: ArrayLike,
    *,
    probability: Any,
    step: ArrayLike,
    iterations: int,
    start: ArrayLike | None = None,
    compressor: Compressor | str | None = None,
) -> SecondMoment:
    """Return the exact second moments of stochastic gradient descent on the sum of f_i = th' A_i th / 2 - b_i' th.

    Message j is affine in theta, y_j = Gamma_j z with z = (theta - theta*, 1), so that with Z = E z z' and
    E_j = Gamma_j Z Gamma_j' the recursion closes:
    ``E th+ th+' = B Z B' + gamma^2 sum_j [p_j (1 - p_j) E_j + (1 - p_j) C_j]``, B = [I, 0] - gamma sum_j (1 - p_j)
    Gamma_j, C_j the covariance that compression adds to a message: ``diag(tr E_j - diag E_j)`` for 1-bit dither by the
    2-norm, ``tr(E_j) / 3 I`` where the dither is subtracted, and for K coordinates drawn at random (D / K - 1) times
    the diagonal of E_j and (D (K - 1) / (K (D - 1)) - 1) times the rest. Scales and values are taken to be sent
    exactly.

    Parameters
    ----------
    code : GradientCode
        Real, one segment, one block, decoder ``sum``; any encoding matrix.
    hessians : array, shape (k, D, D)
        A_i, symmetric.
    linear : array, shape (k, D)
        b_i.
    probability : float or array, shape (n,)
        Of a worker to straggle, independently in every iteration; below 1.
    step : float or array, shape (iterations,)
        gamma.
    iterations : int
    start : array, shape (D,), optional
        theta_0; 0 by default.
    compressor : Compressor or str, optional
        Instead of the code's: ``none``, ``dither1:norm``, ``dither1:norm,subtractive`` or ``random:K``.

    Raises
    ------
    InputError
        If a shape or number is impossible, there is no single minimum, the compressor has no closed form, or moments
        grow beyond the largest number.

    Examples
    --------
    >>> import numpy as np, gcopt
    >>> code = gcopt.families.one_bit(2, 0.5, 2, partitions=1, compressor="none")
    >>> second_moment(code, [np.eye(1)], [[1.0]], probability=0.5, step=0.1, iterations=2).distance.round(6).tolist()
    [1.0, 0.815, 0.664225]
    """
    rows, chances = summing_rows(code), chances_of(probability, code.workers)
    chosen, steps = compressor_of(code, compressor), _steps(step, check_count("iterations", iterations, 1))
    a, b = _checked(hessians, linear, rows.shape[1])
    minimum = _minimum(a.sum(axis=0), b.sum(axis=0))
    # around the minimum, so that small distances keep their digits
    affine = np.concatenate([a, (a @ minimum - b)[:, :, None]], axis=2)
    messages = np.tensordot(rows, affine, axes=1)
    mean_field = np.tensordot(1.0 - chances, messages, axes=1)
    d = minimum.size
    begin = np.zeros(d) if start is None else np.asarray(start, dtype=np.float64)
    if begin.shape != (d,) or not np.isfinite(begin).all():
        raise InputError(f"start has shape {begin.shape}; ({d},) finite numbers are expected")
    z = np.append(begin - minimum, 1.0)
    moments, distance = np.outer(z, z), [float(np.sum((begin - minimum) ** 2))]
    for t, gamma in enumerate(steps, 1):
        with np.errstate(over="ignore", invalid="ignore"):
            moments = _step(moments, gamma, messages, mean_field, chances, chosen)
        if not np.isfinite(moments).all():
            raise InputError(f"step is {gamma:g}, with which moments pass 1.8e308 at iteration {t}; smaller would work")
        distance.append(float(np.trace(moments[:d, :d])))
    return SecondMoment(np.array(distance), minimum, minimum + moments[:d, d], moments[:d, :d])


def _step(
    z: Floats, gamma: float, messages: Floats, mean_field: Floats, chances: Floats, compressor: Compressor | None
) -> Floats:
    """Return E z z' after one step."""
    d = len(z) - 1
    move = np.eye(d, d + 1) - gamma * mean_field
    squares = messages @ z @ messages.transpose(0, 2, 1)
    noise = np.tensordot(chances * (1.0 - chances), squares, axes=1)
    noise += np.tensordot(1.0 - chances, _added(squares, compressor), axes=1)
    out = np.empty_like(z)
    out[:d, :d] = move @ z @ move.T + gamma**2 * noise
    out[:d, d] = out[d, :d] = move @ z[:, d]
    out[d, d] = 1.0
    return out


def _added(squares: Floats, compressor: Compressor | None) -> Floats:
    """Return the covariance that compression adds to each message, given E y y', shape (n, D, D)."""
    if compressor is None:
        return np.zeros_like(squares)
    if isinstance(compressor, RandomK):
        return _added_by_drawing(squares, how_many(compressor.kept, squares.shape[1]))
    if not isinstance(compressor, Dither) or compressor.scale != "norm" or compressor.block is not None:
        raise InputError(
            f"compressor is {compressor}, whose covariance has no closed form; none, dither1:norm, "
            "dither1:norm,subtractive or random:K would work"
        )
    traces = np.trace(squares, axis1=1, axis2=2)[:, None]
    diagonal = np.diagonal(squares, axis1=1, axis2=2)
    sizes = np.broadcast_to(traces / 3.0, diagonal.shape) if compressor.subtractive else traces - diagonal
    return np.asarray(sizes[:, :, None] * np.eye(squares.shape[1]))


def _added_by_drawing(squares: Floats, kept: int) -> Floats:
    """Return that covariance where K coordinates are drawn: both of two with probability K (K - 1) / (D (D - 1))."""
    d = squares.shape[1]
    both = d * (kept - 1) / (kept * (d - 1)) if d > 1 else 1.0
    factors = np.full((d, d), both - 1.0)
    np.fill_diagonal(factors, d / kept - 1.0)
    return np.asarray(factors * squares)


def _checked(hessians: ArrayLike, linear: ArrayLike, partitions: int) -> tuple[Floats, Floats]:
    a, b = np.asarray(hessians, dtype=np.float64), np.asarray(linear, dtype=np.float64)
    if b.ndim != 2 or len(b) != partitions or a.shape != (*b.shape, b.shape[1]):
        raise InputError(
            f"hessians and linear have shapes {a.shape} and {b.shape}; ({partitions}, D, D) and "
            f"({partitions}, D) are expected"
        )
    if not np.isfinite(a).all() or not np.isfinite(b).all():
        raise InputError("hessians or linear holds NaN or infinity; finite numbers are expected")
    if np.abs(a - a.transpose(0, 2, 1)).max() > 1e-9 * np.abs(a).max():
        raise InputError("hessians holds a matrix that is not symmetric; symmetric ones are expected")
    return a, b


def _minimum(hessian: Floats, linear: Floats) -> Floats:
    values = np.linalg.eigvalsh(hessian)
    if values[0] <= 1e-12 * max(values[-1], 1e-300):
        raise InputError(f"hessians add up to a matrix with the eigenvalue {values[0]:.3g}; all above 0 are needed")
    return np.asarray(np.linalg.solve(hessian, linear))


def _steps(step: ArrayLike, iterations: int) -> list[float]:
    given = np.asarray(step, dtype=np.float64)
    if given.shape not in ((), (iterations,)):
        raise InputError(f"step has shape {given.shape}; a number or ({iterations},) numbers are expected")
    return [check_finite("step", float(one), 0.0, open_low=True) for one in np.broadcast_to(given, (iterations,))]
