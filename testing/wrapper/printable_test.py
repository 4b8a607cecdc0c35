"""Untrusted text reaches a terminal without its control characters."""

import pytest

from wrapper.printable import printable, printable_lines, printable_list


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("encoder.model.pos_embed", "encoder.model.pos_embed"),
        ("Größe 4×4", "Größe 4×4"),
        ("\x1b[2J\x1b]0;title\x07", r"\x1b[2J\x1b]0;title\x07"),
        ("VERIFIED\r\nREFUSED", r"VERIFIED\r\nREFUSED"),
        ("\x9b31m", r"\x9b31m"),
        ("a\u202egpj.exe", r"a\u202egpj.exe"),
        ("a\u2028b\u200bc\x00", r"a\u2028b\u200bc\x00"),
        (b"\xff".decode(errors="surrogateescape"), r"\udcff"),
        ("a\u2800\u3164\uffa0b", r"a\u2800\u3164\uffa0b"),
        ("a\ufe0f\U000e0100b", r"a\ufe0f\U000e0100b"),
    ],
)
def test_control_characters_become_escape_sequences(text: str, expected: str) -> None:
    assert printable(text) == expected
    assert printable(text).isprintable()


def test_long_text_is_cut() -> None:
    assert printable(2000 * "a") == 1000 * "a" + "…"
    assert printable(5 * "a", limit=5) == "aaaaa"
    assert printable(6 * "a", limit=5) == "aaaaa…"


def test_a_long_list_is_cut() -> None:
    assert printable_list(["a", "b\n"], limit=2) == r"a; b\n"
    assert printable_list(["a", "b", "c", "d"], 2, "\n  ") == "a\n  b\n  and 2 more"


def test_lines_stay_lines() -> None:
    text = "ERROR: no route\n\tat \x1b]0;title\x07\r\nREFUSED\rVERIFIED\n" + 2000 * "a"
    lines = printable_lines(text).split("\n")
    assert lines[:2] == ["ERROR: no route", r"        at \x1b]0;title\x07"]
    assert lines[2:] == ["REFUSED", "VERIFIED", 1000 * "a" + "…"]
