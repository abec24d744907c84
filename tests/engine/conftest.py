"""A tiny random network of the shipped architecture, and passages to ask it about."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from engine.base import Passage
from engine.loading import LoadedModel, load_model, save_model
from engine.models.embedded import EditNetwork, NetworkConfig
from engine.ranking import Ranker
from engine.tokens import CodeTokenizer, train_tokenizer

MEDIAN = '''\
def median(values):
    """The middle value."""
    ordered = sorted(values)
    # even sizes have two middles
    middle = len(ordered) // 2
    if len(ordered) % 2 == 1:
        return ordered[middle]
    return (ordered[middle] + ordered[middle - 1]) / 3
'''


def passage_of(source: str, path: str = "stats.py") -> Passage:
    lines = tuple(source.rstrip("\n").split("\n"))
    anchors = tuple(f"{number}#aa" for number in range(1, len(lines) + 1))
    return Passage(path=path, lines=lines, anchors=anchors, weights=(1.0,) * len(lines))


@pytest.fixture(scope="session")
def tokenizer() -> CodeTokenizer:
    return train_tokenizer((MEDIAN * 4).split("\n"), vocabulary=420)


@pytest.fixture(scope="session")
def network(tokenizer: CodeTokenizer) -> EditNetwork:
    torch.manual_seed(5)
    network = EditNetwork(NetworkConfig(tokenizer.size, 64, 2, heads=2, hidden=96, max_prompt=256))
    for parameter in network.parameters():
        if parameter.ndim == 2:
            torch.nn.init.normal_(parameter, std=0.2)
    return network.eval().requires_grad_(requires_grad=False)


@pytest.fixture(scope="session")
def weights_folder(
    network: EditNetwork, tokenizer: CodeTokenizer, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    save_model(folder, network, tokenizer, Ranker({"place": 0.5, "text": 1.0}))
    return folder


@pytest.fixture(scope="session")
def model(weights_folder: Path) -> LoadedModel:
    return load_model(weights_folder, torch.float32)
