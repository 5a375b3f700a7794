"""Files appear whole or not at all."""

import pytest

from cardiolib.files import atomic_path


def test_success_replaces_and_leaves_nothing_behind(tmp_path):
    target = tmp_path / "new" / "a.nii.gz"
    for text in ("old", "new"):
        with atomic_path(target) as temporary:
            assert temporary.name == target.name and temporary.parent.parent == target.parent
            temporary.write_text(text)
    assert target.read_text() == "new"
    assert list(target.parent.iterdir()) == [target]


def test_failure_keeps_the_old_file(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError), atomic_path(target) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]
