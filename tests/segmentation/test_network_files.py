"""Files of networks: damaged and foreign ones are refused by name."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest
import torch

from cardiolib.segmentation.checkpoint import TrainedNetwork, read_tensors


@pytest.mark.field_fault("K10")
@pytest.mark.parametrize("suffix", [".npz", ".pt"])
def test_a_damaged_network_file_is_refused_by_name_wherever(tmp_path, suffix):
    network, path = TrainedNetwork.untrained(widths=(2, 4)), tmp_path / f"network{suffix}"
    network.save(path)
    data = path.read_bytes()
    for place in np.random.default_rng(5).integers(0, len(data), 40):
        for damaged in (data[:place], data[:place] + bytes([data[place] ^ 16]) + data[place + 1 :]):
            path.write_bytes(damaged)
            try:
                found = TrainedNetwork.load(path)
            except ValueError as error:
                assert str(path) in str(error)
            else:  # a date in the archive, say
                assert found.fingerprint() == network.fingerprint() and found.settings == network.settings


@pytest.mark.field_fault("K10")
@pytest.mark.parametrize("suffix", [".npz", ".pt"])
@pytest.mark.parametrize("content", [b"", b"<html>", b"\x80\x04K\x01.", b"version https://git-lfs.github.com/spec/v1"])
def test_foreign_files_are_refused_by_name_and_remedy(tmp_path, suffix, content):
    path = tmp_path / f"network{suffix}"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"network\{suffix}: is not a readable network .*TrainedNetwork.save"):
        TrainedNetwork.load(path)


def test_archives_and_tensors_of_others(tmp_path):
    with zipfile.ZipFile(tmp_path / "z.pt", "w") as archive:
        archive.writestr("hello.txt", "hello")
    with pytest.raises(ValueError, match="z.pt: is not a readable network"):
        TrainedNetwork.load(tmp_path / "z.pt")
    torch.save({"weights": {}}, tmp_path / "t.pt")
    with pytest.raises(ValueError, match="t.pt is not a cardiolib-segmentation"):
        TrainedNetwork.load(tmp_path / "t.pt")
    torch.save({"format": "cardiolib-segmentation-3", "settings": {}}, tmp_path / "s.pt")
    with pytest.raises(ValueError, match="s.pt: what it holds does not make a network"):
        TrainedNetwork.load(tmp_path / "s.pt")
    with pytest.raises(FileNotFoundError):
        read_tensors(tmp_path / "none.pt", what="network", remedy="")
