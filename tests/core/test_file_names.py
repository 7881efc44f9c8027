"""Names that every system takes."""

from __future__ import annotations

import pytest

from facegen_core.file_names import LONGEST_BYTES, portable


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Head", "Head"),
        ("Kopf für Łukasz 脸 😀", "Kopf für Łukasz 脸 😀"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ('a/b\\c:d*e?f"g<h>i|j', "a_b_c_d_e_f_g_h_i_j"),
        ("con", "_con"),
        ("Aux.smile", "_Aux.smile"),
        ("console", "console"),
        ("lpt9", "_lpt9"),
        ("ends with dots... ", "ends with dots"),
        (".hidden", "hidden"),
        ("", "unnamed"),
        (" . ", "unnamed"),
        ("new\nline\ttab\x00", "new_line_tab_"),
        ("half a letter \udcff", "half a letter _"),
    ],
)
def test_what_a_system_refuses_is_replaced(name: str, expected: str) -> None:
    assert portable(name) == expected
    assert portable(portable(name)) == portable(name)


def test_a_long_name_is_cut_between_letters() -> None:
    cut = portable("脸" * 300)
    assert cut == "脸" * (LONGEST_BYTES // 3)
