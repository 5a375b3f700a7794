"""Units are kept for their key and replaced for another; bars suit who is looking."""

from __future__ import annotations

import io
import logging
from pathlib import Path

import pytest

from cardiolib.progress import bars_to, progress
from cardiolib.work import keyed_folder


def test_units_are_kept_for_the_same_key_and_replaced_for_another(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "units"
    with caplog.at_level(logging.INFO, logger="cardiolib.work"):
        (keyed_folder(folder, {"epochs": 3, "sizes": (1, 2)}, what="Fits") / "a").write_text("a")
        assert (keyed_folder(folder, {"sizes": [1, 2], "epochs": 3}, what="Fits") / "a").is_file()
        assert caplog.messages == []
        assert not (keyed_folder(folder, {"epochs": 4, "sizes": (1, 2)}, what="Fits") / "a").exists()
    assert caplog.messages == ["Fits: what was stored belonged to another epochs and was replaced."]


def test_a_folder_without_key_is_nobodys(tmp_path: Path) -> None:
    (tmp_path / "units").mkdir()
    (tmp_path / "units" / "a").write_text("from before keys")
    keyed_folder(tmp_path / "units", {"epochs": 3}, what="Fits")
    assert not (tmp_path / "units" / "a").exists()


def test_bars_of_this_process_can_be_sent_elsewhere() -> None:
    stream = io.StringIO()
    with bars_to(stream):
        assert list(progress(range(3), label="hearts")) == [0, 1, 2]
    assert "hearts: 100%" in stream.getvalue()
    with bars_to(io.StringIO()):
        list(progress(range(3), label="others"))
    assert "others" not in stream.getvalue()


def test_a_bar_that_is_not_shown_writes_nothing(capsys: pytest.CaptureFixture) -> None:
    assert list(progress(range(3), label="hearts", shown=False)) == [0, 1, 2]
    assert capsys.readouterr() == ("", "")
