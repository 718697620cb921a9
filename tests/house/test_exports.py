"""The public face is sorted, has a word to say for each name, and stands in the manual."""

import flotilla

NAMES = [name for name in getattr(flotilla, "__all__", ()) if not name.startswith("__")]


def test_public_names_are_sorted_and_named_once():
    assert sorted(set(NAMES)) == NAMES


def test_every_public_name_is_there_and_explains_itself():
    assert [name for name in NAMES if not getattr(flotilla, name).__doc__] == []


def test_every_public_name_stands_in_the_manual(texts):
    manual = "\n".join(text for name, text in texts.items() if name.startswith("docs/"))

    assert [name for name in NAMES if f"`{name}" not in manual and f".{name}" not in manual] == []
