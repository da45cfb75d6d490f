"""From the word for a compressor to the compressor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gcopt.compression.compressor import Compressor
from gcopt.compression.dither import Dither
from gcopt.compression.feedback import Feedback
from gcopt.compression.identity import Identity
from gcopt.compression.sign import ScaledSign
from gcopt.errors import InputError

_PLAIN: dict[str, type[Compressor]] = {"none": Identity, "dither1": Dither, "sign": ScaledSign}
_AROUND: dict[str, Callable[[Compressor], Compressor]] = {"feedback": Feedback}


def parse(word: str | Compressor) -> Compressor:
    """Return the compressor that a word stands for.

    Parameters
    ----------
    word : str or Compressor
        ``NAME`` or ``NAME:OPTION,OPTION``, where an option is a value, ``key=value``, or a key alone that says yes;
        with ``feedback+`` before it. A compressor is returned as it is.

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


def _made(kind: type[Compressor], name: str, rest: str) -> Compressor:
    fields = list(getattr(kind, "__dataclass_fields__", {}))
    options: dict[str, Any] = {}
    for position, text in enumerate(part.strip() for part in rest.split(",") if part.strip()):
        key, equals, value = text.partition("=")
        if not equals:
            # the first value has no need of its name
            key, value = (key, "true") if key in fields else (fields[0] if fields and position == 0 else key, key)
        if key not in fields or key in options:
            raise InputError(f"{name} has no option {text!r}; it takes: {', '.join(fields) or 'none'}")
        options[key] = _value(value)
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
