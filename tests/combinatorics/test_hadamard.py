import numpy as np
import pytest

from gcopt.combinatorics.hadamard import hadamard, hadamard_design, hadamard_known
from gcopt.errors import UnknownError
from tests.combinatorics.enumerated import found_parameters

ORDERS = [1, 2, *(order for order in range(4, 121, 4) if order not in (92, 116))]


@pytest.mark.parametrize("order", ORDERS)
def test_rows_are_orthogonal(order):
    found = hadamard(order)
    assert set(np.unique(found)) <= {-1, 1}
    assert (found @ found.T == order * np.eye(order)).all()
    if order >= 8:
        assert found_parameters(hadamard_design(order)) == (order - 1, order // 2 - 1, order // 4 - 1)


def test_orders_without_a_construction_are_known():
    assert [order for order in range(1, 121) if hadamard_known(order)] == ORDERS
    for order in (3, 6, 92):
        with pytest.raises(UnknownError, match=f"order is {order}; no Hadamard matrix of that order is made here"):
            hadamard(order)
