"""The decoder of a draw: one set of responders, then the code is another one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gcopt.decoding.decoder import Decoder, Decoding
from gcopt.decoding.rule import Bools

_DENSE = 100_000  # entries of a matrix for which least squares cost less than a look at its structure
_RANK = 1e-10


class Fresh(Decoder):
    """Decodes as `Decoder` does, without a look at the structure of a small segment, which pays for many sets only.

    Examples
    --------
    >>> import gcopt
    >>> decoder = Fresh(gcopt.families.fractional_repetition(4, 1).segments[0])
    >>> decoder([True, True, False, False]).matrix.round(12).tolist()
    [[1.0, 1.0, 0.0, 0.0]]
    """

    def error(self, responders: Any) -> float:
        """Return the squared error of these responders."""
        return self(responders).error

    def _decode(self, heard: Bools) -> Decoding:
        segment = self.segment
        if segment.is_linear or segment.workers * segment.blocks * segment.partitions > _DENSE:
            return super()._decode(heard)
        rows = segment.encoding.toarray()
        lengths = np.linalg.norm(rows, axis=1)
        used = np.flatnonzero(heard & (lengths > 0.0))
        matrix: NDArray[Any] = np.zeros((segment.blocks, segment.workers), dtype=rows.dtype)
        if used.size:
            unit = rows[used] / lengths[used, None]
            found = np.linalg.lstsq(unit.T, segment.target.T, rcond=_RANK)[0]
            matrix[:, used] = found.T / lengths[used]
        matrix.flags.writeable = False
        return Decoding(matrix, float(np.sum(np.abs(matrix @ rows - segment.target) ** 2)))
