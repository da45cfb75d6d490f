"""When the master has each message of an iteration on a cluster."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gcopt.cluster import Cluster, Times
from gcopt.code import GradientCode
from gcopt.errors import InputError

Floats = NDArray[np.float64]


def arrivals(code: GradientCode, cluster: Cluster, times: Times) -> Floats:
    """Return when the master has each message.

    Worker j has computed segment c after ``overhead + stall + T_j unit (samples / k) W parameters``, W its
    `work_so_far`; it sends segments in order over its own link, and the master's link takes messages one after the
    other. A message that has a fraction f of the bytes of the whole gradient in float64 is on the worker's link for
    ``f (8 parameters / bandwidth + transfer)`` seconds; with one segment and nothing else to pay for, that is the
    model d T1 + T2 / m of Ye and Abbe 2018 (arXiv 1802.03475).

    Parameters
    ----------
    code : GradientCode
    cluster : Cluster
        With as many workers as the code.
    times : Times
        Draws, each array of shape (iterations, n).

    Returns
    -------
    array, shape (iterations, n, segments)
        Seconds since the start of the iteration; inf for never.

    Raises
    ------
    InputError
        If code and cluster have different numbers of workers.
    """
    if code.workers != cluster.workers:
        raise InputError(f"the code has {code.workers} workers and the cluster {cluster.workers}; they must agree")
    job, network = cluster.job, cluster.network
    work = work_so_far(code, job.forward)
    scale = job.unit * job.samples * job.parameters / code.partitions
    # one segment after the other in memory, as they are looked at
    ready = np.moveaxis((times.overhead + times.stall)[None] + times.compute[None] * (scale * work.T)[:, None], 0, -1)
    whole = 8 * job.parameters  # bytes of the gradient in float64
    size = message_sizes(code, job.parameters)
    if network.bandwidth < np.inf or times.transfer.any():
        for c, (seconds, share) in enumerate(zip(size / network.bandwidth, size / whole, strict=True)):
            begin = ready[:, :, c] if c == 0 else np.maximum(ready[:, :, c], ready[:, :, c - 1])
            ready[:, :, c] = begin + (seconds + share * times.transfer)
    ready += network.latency
    if network.master_bandwidth < np.inf:
        ready = one_after_the_other(ready, size / network.master_bandwidth)
    return np.asarray(ready)


def message_sizes(code: GradientCode, parameters: int) -> Floats:
    """Return the bytes of a message of each segment; uncompressed ones are not rounded up, as formulas have it.

    Examples
    --------
    >>> import gcopt
    >>> message_sizes(gcopt.families.uncoded(2).compressed("dither1:max"), 80).tolist()
    [14.0]
    """
    if code.compressor is not None:
        return code.message_bytes(parameters).astype(np.float64)
    parts = zip(code.segments, code.shares, strict=True)
    return np.array([s.encoding.dtype.itemsize * share / s.blocks * parameters for s, share in parts])


def work_so_far(code: GradientCode, forward: float) -> Floats:
    """Return the work of each worker up to the end of each segment, in gradients of a partition, shape (n, segments).

    Nonzero (partition, block) pairs times block lengths, and, where the gradient is taken in stretches, a forward pass
    for every partition touched so far.

    Examples
    --------
    >>> import gcopt
    >>> work_so_far(gcopt.families.two_stage(2, 1, alpha=3.0), forward=0.5).tolist()
    [[1.0, 2.5], [1.0, 2.5]]
    """
    parts = list(zip(code.segments, code.shares, strict=True))
    work = np.cumsum([s.pairs * (share / s.blocks) for s, share in parts], axis=0).T
    if forward > 0.0 and (len(parts) > 1 or code.blocks > 1):
        held = code.segments[0].support
        touched = []
        for segment in code.segments:
            held = held + segment.support
            touched.append(np.diff(held.indptr))
        work = work + forward * np.stack(touched, axis=1)
    return np.asarray(work)


def one_after_the_other(ready: Floats, seconds: Floats) -> Floats:
    """Let messages pass a shared link in the order in which they are ready.

    Parameters
    ----------
    ready : array, shape (iterations, n, segments)
        inf for a message that never comes.
    seconds : array, shape (segments,)
        How long a message of each segment is on the link.

    Returns
    -------
    array, shape (iterations, n, segments)
        When each message has passed.

    Examples
    --------
    >>> one_after_the_other(np.array([[[1.0], [0.0], [5.0]]]), np.array([2.0])).ravel().tolist()
    [4.0, 2.0, 7.0]
    """
    flat = ready.reshape(ready.shape[0], -1)
    order = np.argsort(flat, axis=1, kind="stable")
    spent = np.cumsum(np.broadcast_to(seconds, ready.shape[1:]).ravel()[order], axis=1)
    arrived = np.take_along_axis(flat, order, axis=1)
    lead = np.concatenate([np.zeros((len(flat), 1)), spent[:, :-1]], axis=1)
    passed = np.maximum.accumulate(arrived - lead, axis=1) + spent
    out = np.empty_like(flat)
    np.put_along_axis(out, order, passed, axis=1)
    return out.reshape(ready.shape)
