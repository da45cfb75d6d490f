"""What is asked of a design, and what it is worth."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcopt.errors import InputError
from gcopt.goal import Goal


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"objective": "speed"}, "objective is 'speed'; runtime or completion or accuracy or bytes would work"),
        ({"wait": "never"}, "wait is 'never'; decodable or count would work"),
        ({"seed": -1}, "seed is -1"),
        ({"objective": "completion"}, "deadline is missing; the objective 'completion' needs"),
        ({"objective": "completion", "deadline": -1.0}, "deadline is -1.0; a positive number"),
        ({"objective": "completion", "deadline": math.nan}, "deadline is nan"),
        ({"objective": "completion", "deadline": math.inf}, "deadline is inf; a finite number"),
        ({"objective": "completion", "deadline": "soon"}, "deadline is 'soon'"),
        ({"deadline": 1.0}, "deadline is 1.0 and the objective 'runtime' has none; leave it out, or ask for"),
    ],
)
def test_impossible_goals(options, words):
    with pytest.raises(InputError, match=words):
        Goal(**options)


def test_gain():
    runtime, completion = Goal(), Goal("completion", deadline=1)
    assert (runtime.gain(6.0, 2.0), runtime.gain(math.inf, 2.0), runtime.gain(math.inf, math.inf)) == (3, math.inf, 1)
    assert (runtime.gain(0.0, 0.0), runtime.gain(1.0, 0.0)) == (1.0, math.inf)
    assert (completion.gain(0.0, 0.5), completion.gain(0.5, 1.0), completion.gain(1.0, 1.0)) == (2.0, math.inf, 1.0)


@given(st.floats(0, 1))
def test_a_probability_is_never_written_as_certain_when_it_is_not(p):
    text = Goal("completion", deadline=1.0).spell(p)
    assert text.endswith("%")
    assert float(text[:-1]) / 100 == pytest.approx(p, abs=6e-5)
    if 1e-8 < p < 1 - 1e-8:
        assert 0 < float(text[:-1]) < 100
