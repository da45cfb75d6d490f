"""Names to things."""

import subprocess
import sys

import pytest

from gcopt.errors import InputError
from gcopt.registry import Registry


class Entry:
    def __init__(self, name, value):
        self.name, self.value = name, value


def registry():
    return Registry("number", "gcopt.test-numbers", {"pi": "math:pi", "two": 2})


def test_loads_on_first_use_and_keeps_what_it_loaded():
    numbers = Registry("thing", "gcopt.test-things", {"decoder": "fractions:Fraction"})
    from fractions import Fraction

    assert numbers["decoder"] is Fraction
    assert numbers["decoder"] is Fraction
    assert dict(numbers.items()) == {"decoder": Fraction}
    assert list(numbers) == ["decoder"]
    assert "decoder" in numbers
    assert "fraction" not in numbers


def test_unknown_names_are_told_the_valid_ones():
    with pytest.raises(InputError, match="no number is called 'e'; there are: pi, two"):
        registry()["e"]


def test_duplicates_are_refused_and_the_same_entry_is_not_one():
    numbers = registry()
    numbers.add("pi", "math:pi")
    numbers.add("e", "math:e")
    assert numbers["e"] > 2.7
    with pytest.raises(InputError, match="the number name 'two' is taken by 2"):
        numbers.add("two", 3)
    assert numbers["two"] == 2


def test_other_packages_add_entries(monkeypatch):
    monkeypatch.setattr("gcopt.registry.entry_points", lambda group: [Entry("tau", "math:tau")])
    assert list(registry()) == ["pi", "two", "tau"]
    assert registry()["tau"] == pytest.approx(6.283185307)


@pytest.mark.parametrize("value", ["no_such_module_here:thing", "math:no_such_thing", "math"])
def test_a_broken_entry_is_named_when_it_is_used_and_not_before(monkeypatch, value):
    monkeypatch.setattr("gcopt.registry.entry_points", lambda group: [Entry("broken", value)])
    numbers = registry()
    assert numbers["two"] == 2
    with pytest.raises(InputError, match="the number 'broken' cannot be loaded from"):
        numbers["broken"]


def test_nothing_heavy_is_imported_with_the_registries():
    code = (
        "import sys, gcopt.families, gcopt.solving; "
        "print([m for m in ('numba', 'cvxpy', 'matplotlib', 'networkx') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
