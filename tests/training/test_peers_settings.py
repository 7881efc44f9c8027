"""What the peers' settings may be."""

import dataclasses

import pytest

pytest.importorskip("torch", reason="training needs torch")

from training.peers.config import read_peers_config
from training.runs.settings import TrainingConfigError


def test_settings_are_checked_by_name(tmp_path):
    path = tmp_path / "peers.yaml"
    path.write_text("motion3dgan: {witdh: 3}")
    with pytest.raises(TrainingConfigError, match=r"motion3dgan\.witdh"):
        read_peers_config(path)
    path.write_text("s2d: {epochs: 0}")
    with pytest.raises(TrainingConfigError, match=r"s2d\.epochs"):
        read_peers_config(path)
    path.write_text("s2d: {channels: [8, 0]}")
    with pytest.raises(TrainingConfigError, match=r"s2d\.channels"):
        read_peers_config(path)


def test_the_committed_settings_are_read():
    from training.peers.command import DEFAULT_CONFIG

    assert read_peers_config(DEFAULT_CONFIG).motion3dgan.width < 1024
    paper = read_peers_config(DEFAULT_CONFIG.with_name("peers_paper.yaml"))
    assert paper.motion3dgan.width == 1024
    assert dataclasses.replace(paper.s2d, epochs=1).channels == (128, 64, 32, 32, 16)
