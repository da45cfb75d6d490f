import pytest

import gcopt
from gcopt.errors import ImpossibleError, InputError, UnknownError
from gcopt.existence import Existence


def test_families_answer_yes_or_no_with_a_reason():
    assert gcopt.exists("fractional-repetition", workers=12, stragglers=3).answer == "yes"
    no = gcopt.exists("fractional-repetition", workers=13, stragglers=3)
    assert no.answer == "no"
    assert "divide" in no.reason


def test_a_question_that_makes_no_sense_is_an_error_and_no_answer():
    with pytest.raises(InputError, match="no parameter 'colour'"):
        gcopt.exists("fractional-repetition", workers=12, colour=3)
    with pytest.raises(InputError, match="workers is 'many'"):
        gcopt.exists("fractional-repetition", workers="many", stragglers=3)
    for family, size in (("paley", {"workers": 9}), ("affine-plane", {"order": 3})):
        with pytest.raises(InputError, match="decoder is 'best'"):
            gcopt.exists(family, **size, stragglers=1, decoder="best")


@pytest.mark.parametrize(("answer", "error"), [("no", ImpossibleError), ("unknown", UnknownError)])
def test_what_does_not_exist_and_what_nobody_knows_are_different_errors(answer, error):
    with pytest.raises(error, match="because; the nearest that exist: workers = 7"):
        Existence(answer, "because", ({"workers": 7},)).require("a plane")
    Existence("yes", "because").require("a plane")
