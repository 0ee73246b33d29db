"""Characters that act instead of being read."""

from __future__ import annotations

import unicodedata

import pytest

from exposure_dagster.core.characters import first_control, harmless, visible

ATTACKS = {
    "clears the screen": ("a\x1b[2Jb", "a[2Jb", "a\\x1b[2Jb"),
    "names the window": ("\x1b]0;owned\x07x", "]0;ownedx", "\\x1b]0;owned\\x07x"),
    "a sequence in one character": ("a\x9b31mb", "a31mb", "a\\x9b31mb"),
    "goes back to the line's beginning": ("good\revil", "good\nevil", "good\\revil"),
    "takes back what was written": ("no\b\bok", "nook", "no\\x08\\x08ok"),
    "a NUL": ("a\0b", "ab", "a\\x00b"),
    "turns the line round": ("\u202etxt.exe", "txt.exe", "\\u202etxt.exe"),
    "isolates": ("a\u2066b\u2069c", "abc", "a\\u2066b\\u2069c"),
    "takes no room": ("pass\u200bword\ufeff", "password", "pass\\u200bword\\ufeff"),
    "letters that nobody sees": ("a\U000e0041\U000e0042", "a", "a\\U000e0041\\U000e0042"),
    "half a character": ("a\ud83d", "a", "a\\ud83d"),
    "a line end that is not seen as one": ("a\u2028b\x85c", "a\nb\nc", "a\\u2028b\\x85c"),
}


@pytest.mark.parametrize(("text", "stored", "shown"), ATTACKS.values(), ids=ATTACKS.keys())
def test_a_character_that_acts_is_taken_out_of_what_is_stored_and_spelt_out_on_a_terminal(
    text: str, stored: str, shown: str
) -> None:
    assert harmless(text) == stored
    assert visible(text) == shown


ORDINARY = [
    "Crème brûlée – 5 % ≥ 3\tand\nmore",
    "عربي, עברית, 日本語",
    "می\u200cنویسنده",
    "क्\u200dष",
    "👩🏽\u200d⚕️",
    "Software\u00adentwickler",
]


@pytest.mark.parametrize("text", ORDINARY)
def test_words_of_all_scripts_joiners_emoji_tabs_and_line_ends_stay_as_they_are(text: str) -> None:
    assert harmless(text) is text
    assert visible(text) is text


def test_windows_line_ends_are_line_ends() -> None:
    assert harmless("a\r\nb") == visible("a\r\nb") == "a\nb"


def test_of_what_unicode_calls_control_format_or_separator_only_what_is_read_is_left() -> None:
    everything = [chr(code) for code in range(0x110000)]
    acting = [one for one in everything if unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    left = {unicodedata.name(one, repr(one)) for one in acting if harmless(one) == one}
    kept = ("ZERO WIDTH NON-JOINER", "ZERO WIDTH JOINER", "SOFT HYPHEN", "'\\t'", "'\\n'")
    seen = ("ARABIC", "SYRIAC", "KAITHI", "EGYPTIAN", "SHORTHAND")
    assert {name for name in left if not name.startswith(seen)} == set(kept)


def test_the_first_control_character_is_found() -> None:
    assert first_control("one\ttwo\r\nthree") is None
    assert first_control("\ufeffعربي\u202e") is None
    assert first_control("one\ttwo\r\nth\x00ree\x1b") == "\x00"
