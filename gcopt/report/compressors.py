"""The list of compressors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gcopt.compression import Cast, Compressor, parse
from gcopt.console import bytes_text, print_json, print_table

# one of each kind, as one writes them
EXAMPLES = (
    "none",
    "float32",
    "float16",
    "bfloat16",
    "dither1:max",
    "dither1:max,subtractive",
    "dither1:max,subtractive,block=64",
    "dither1:norm",
    "dither1:0.5",
    "two-level",
    "rotate+dither1:max,subtractive",
    "sign",
    "top:0.01",
    "random:0.01",
    "feedback+sign",
    "feedback+top:0.01",
)


@dataclass(frozen=True)
class Row:
    """What a compressor is worth for vectors of some length."""

    word: str
    compressor: Compressor
    length: int

    @property
    def about(self) -> str:
        """One line, from its docstring."""
        return " ".join((type(self.compressor).__doc__ or "").split("\n\n")[0].split())

    def to_dict(self) -> dict[str, Any]:
        """Return an entry of ``gcopt compressors --json``."""
        chosen = self.compressor
        return {
            "word": self.word,
            "options": [] if isinstance(chosen, Cast) else list(getattr(type(chosen), "__dataclass_fields__", {})),
            "unbiased": chosen.unbiased,
            "feedback": chosen.feedback,
            "bytes": chosen.size(self.length),
            "saved": 8 * self.length / chosen.size(self.length),
            "relative_variance": chosen.relative(self.length),
            "typical_variance": chosen.typical(self.length),
            "description": self.about,
        }


def print_compressors(length: int, as_json: bool) -> None:
    """List compressors with what they do to vectors of that many coordinates."""
    rows = [Row(word, parse(word), length) for word in EXAMPLES]
    if as_json:
        listed = [row.to_dict() for row in rows]
        print_json({"schema": "gcopt.compressors/1", "length": length, "compressors": listed})
        return
    header = ("word", "bytes", "of float64", "unbiased", "error: at most", "typical", "what")
    found = [row.to_dict() for row in rows]
    table = [
        (
            one["word"],
            bytes_text(one["bytes"]),
            f"1/{one['saved']:.3g}",
            "yes" if one["unbiased"] else "resends" if one["feedback"] else "no",
            f"{one['relative_variance']:.3g}",
            f"{one['typical_variance']:.3g}",
            one["description"].split(":")[0].split(";")[0],
        )
        for one in found
    ]
    print_table(
        f"Messages of {length} coordinates; error: E |C(x) - x|^2 / |x|^2, for any x, for Gaussian x", header, table
    )
    print("rotate+WORD turns vectors at random before, feedback+WORD keeps what was lost and sends it with the next.")
    print("Options follow a colon: dither1:max,subtractive,block=64; sign:block=64; top:K, or top:0.01 for a fraction.")
    print("Use one: gcopt train CODE --compress WORD, or gcopt build one-bit --set compressor=WORD ...")
