import doctest
import inspect
import subprocess
import sys

import pytest

from gcopt.families import FAMILIES
from tests.families.samples import SAMPLES

NAMES = list(FAMILIES)


@pytest.mark.parametrize("name", NAMES)
def test_examples_of_the_docstring(name):
    function = FAMILIES[name].function
    names = dict(vars(inspect.getmodule(function)))
    test = doctest.DocTestParser().get_doctest(function.__doc__, names, name, None, None)
    assert test.examples
    assert doctest.DocTestRunner().run(test).failed == 0


@pytest.mark.parametrize("name", NAMES)
def test_claims_name_their_source_and_provenance_rebuilds_the_code(name):
    family = FAMILIES[name]
    code = family(**SAMPLES[name])
    assert code.family == name
    assert family.source
    assert code.claims
    assert all(c.source for c in code.claims)
    again = family(**code.parameters, **({} if code.seed is None else {"rng": code.seed}))
    for a, b in zip(code.segments, again.segments, strict=True):
        assert a.encoding.data.tobytes() == b.encoding.data.tobytes()


def test_importing_the_families_compiles_nothing():
    program = "import sys, gcopt.families; print([m for m in ('numba', 'cvxpy', 'matplotlib') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
