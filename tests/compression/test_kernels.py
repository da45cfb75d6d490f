"""Kernels: known answers of the generator, and the same source run as plain Python."""

from __future__ import annotations

import numpy as np
import pytest

from gcopt.compression import Stream, _kernels, _philox, _rotation_kernels, _sparse_kernels, parse
from gcopt.compression._philox import TILE

M0, M1, W0, W1 = 0xD2511F53, 0xCD9E8D57, 0x9E3779B9, 0xBB67AE85


def philox(counter, key):
    """Philox4x32-10, from its description."""
    c, k = list(counter), list(key)
    for _ in range(10):
        p, q = M0 * c[0], M1 * c[2]
        c = [(q >> 32) ^ c[1] ^ k[0], q & 0xFFFFFFFF, (p >> 32) ^ c[3] ^ k[1], p & 0xFFFFFFFF]
        k = [(k[0] + W0) & 0xFFFFFFFF, (k[1] + W1) & 0xFFFFFFFF]
    return c


def drawn(words, tile):
    out = np.empty((4, TILE // 4), np.uint32)
    _philox.numbers(np.array(words, dtype=np.uint64), tile, out)
    return out


def test_published_answers_of_the_generator():
    assert [hex(int(x)) for x in drawn([0, 0, 0, 0, 0], 0)[:, 0]] == [
        "0x6627e8d5",
        "0xe169c58d",
        "0xbc57ac4c",
        "0x9b00dbd8",
    ]
    pi = [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344]
    assert [hex(x) for x in philox(pi, [0xA4093822, 0x299F31D0])] == [
        "0xd16cfe09",
        "0x94fdcceb",
        "0x5001e420",
        "0x24126ea1",
    ]


def test_the_kernel_is_the_generator():
    words = [7, 3, 2**31, 0xA4093822, 0xFFFFFFFF]
    for tile in (0, 5):
        found = drawn(words, tile)
        for i in (0, 1, 100, 255):
            assert found[:, i].tolist() == philox([tile * 256 + i, *words[:3]], words[3:])


def test_numbers_are_uniform_and_symmetric():
    u = np.array([_kernels.dither(x) for x in drawn(Stream(1).words, 0).ravel()])
    assert _kernels.dither(0) == -_kernels.dither(2**32 - 1)
    assert abs(u.mean()) < 5 / np.sqrt(3 * u.size)
    assert u.var() == pytest.approx(1 / 3, rel=0.15)


def plain(monkeypatch):
    """Make every kernel its own source, also where one calls another."""
    for module in (_philox, _kernels, _rotation_kernels, _sparse_kernels):
        for name, function in list(vars(module).items()):
            if hasattr(function, "py_func"):
                monkeypatch.setattr(module, name, function.py_func)


@pytest.mark.parametrize(
    "word",
    [
        "dither1:max",
        "dither1:norm,subtractive",
        "dither1:max,block=8",
        "two-level",
        "sign",
        "rotate+dither1:max",
        "random:5",
    ],
)
def test_kernels_run_as_plain_python(word, monkeypatch):
    chosen, stream = parse(word), Stream(4, 1, 2)
    x = np.random.default_rng(0).standard_normal(37)
    message = chosen.compress(x, stream)
    back = chosen.decompress(message, 37, stream)
    plain(monkeypatch)
    assert np.array_equal(chosen.compress(x, stream), message)
    assert chosen.decompress(message, 37, stream) == pytest.approx(back, rel=1e-12)


def test_vectors_longer_than_a_tile():
    """Bits, scales and numbers of later tiles are their own."""
    x = np.random.default_rng(1).standard_normal(3 * TILE + 77)
    for word in ("dither1:max", "dither1:max,subtractive", "dither1:max,block=1032", "sign", "two-level:block=2048"):
        chosen = parse(word)
        back = chosen.decompress(chosen.compress(x, Stream(3)), x.size, Stream(3))
        squares = np.sum((back - x) ** 2)
        assert squares == pytest.approx(chosen.variance(x), rel=0.15)
