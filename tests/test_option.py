"""An option is declared once; its check, its record and its parameter follow."""

from dataclasses import dataclass
from typing import Annotated

import pytest

from colorize_cli.errors import UsageProblem
from colorize_cli.option import Option, check, declared, number, recorded


@dataclass(frozen=True, kw_only=True)
class Base:
    strength: Annotated[float, Option("How much", between=(0, 1), records=number)] = 1.0


@dataclass(frozen=True, kw_only=True)
class Options(Base):
    keep: Annotated[bool, Option("Keep it", records=lambda _: "kept", record_as="borders")] = False
    sizes: Annotated[tuple[int, ...], Option("Sizes", flags=("--size",), least=32, many=True)] = ()
    kind: Annotated[str, Option("Kind", choices=("a", "b"))] = "a"
    rate: Annotated[float | None, Option("Rate", above=0)] = None
    plain: int = 3


def test_fields_of_bases_are_options_and_plain_fields_are_not():
    assert list(declared(Options)) == ["strength", "keep", "sizes", "kind", "rate"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"strength": 2.0}, "--strength must be between 0 and 1, not 2"),
        ({"strength": float("nan")}, "--strength must be between 0 and 1, not nan"),
        ({"sizes": (64, 8)}, "--size must be at least 32, not 8"),
        ({"kind": "c"}, "--kind must be one of a, b, not 'c'"),
        ({"rate": 0.0}, "--rate must be above 0, not 0"),
    ],
)
def test_values_out_of_range_are_refused_by_the_name_on_the_command_line(wrong, said):
    with pytest.raises(UsageProblem, match=said):
        check(Options(**wrong))
    check(Options())


def test_what_is_not_left_at_its_default_is_recorded():
    assert recorded(Options()) == {}
    chosen = Options(strength=0.5, keep=True, kind="b")
    assert recorded(chosen) == {"strength": "0.5", "borders": "kept"}
    assert recorded(chosen, beyond=Base) == {"borders": "kept"}
