"""From the word for a compressor to the compressor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field
from functools import partial
from typing import Any

from gcopt.compression.cast import Cast
from gcopt.compression.compressor import Compressor
from gcopt.compression.dither import Dither
from gcopt.compression.feedback import Feedback
from gcopt.compression.identity import Identity
from gcopt.compression.levels import TwoLevel
from gcopt.compression.random import RandomK
from gcopt.compression.rotated import Rotated
from gcopt.compression.sign import ScaledSign
from gcopt.compression.top import TopK
from gcopt.errors import InputError

_PLAIN: dict[str, Callable[..., Compressor]] = {
    "none": Identity,
    "float32": partial(Cast, "float32"),
    "float16": partial(Cast, "float16"),
    "bfloat16": partial(Cast, "bfloat16"),
    "dither1": Dither,
    "two-level": TwoLevel,
    "sign": ScaledSign,
    "top": TopK,
    "random": RandomK,
}
_AROUND: dict[str, Callable[[Compressor], Compressor]] = {"feedback": Feedback, "rotate": Rotated}


def parse(word: str | Compressor) -> Compressor:
    """Return the compressor that a word stands for.

    Parameters
    ----------
    word : str or Compressor
        ``NAME`` or ``NAME:OPTION,OPTION``, where an option is a value, ``key=value``, or a key alone that says yes;
        with ``rotate+`` before it, and ``feedback+`` before that. A compressor is returned as it is.

    Raises
    ------
    InputError
        If there is no such compressor or option; it says what there is.

    Examples
    --------
    >>> parse("dither1:max,subtractive"), str(parse("feedback+sign"))
    (Dither(scale='max', subtractive=True, block=None), 'feedback+sign')
    """
    if isinstance(word, Compressor):
        return word
    *around, plain = str(word).split("+")
    name, _, rest = plain.partition(":")
    for given in around:
        if given not in _AROUND:
            raise InputError(f"compress is {word!r}; before a + there may be: {', '.join(_AROUND)}")
    if name not in _PLAIN:
        raise InputError(f"compress is {word!r}; there are: {', '.join(_PLAIN)}, and {', '.join(_AROUND)} around them")
    found = _made(_PLAIN[name], name, rest)
    for given in reversed(around):
        found = _AROUND[given](found)
    return found


def _made(kind: Callable[..., Compressor], name: str, rest: str) -> Compressor:
    fields: dict[str, Field[Any]] = getattr(kind, "__dataclass_fields__", {})
    options: dict[str, Any] = {}
    for position, text in enumerate(part.strip() for part in rest.split(",") if part.strip()):
        key, equals, value = text.partition("=")
        if not equals:
            # the first value has no need of its name
            key, value = (key, "true") if key in fields else (next(iter(fields), key) if position == 0 else key, key)
        if key not in fields or key in options:
            raise InputError(f"{name} has no option {text!r}; it takes: {', '.join(fields) or 'none'}")
        options[key] = _value(value)
    lacking = [key for key, field in fields.items() if field.default is MISSING and key not in options]
    if lacking:
        raise InputError(f"{name} needs {lacking[0]}; {name}:NUMBER would work")
    return kind(**options)


def _value(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
