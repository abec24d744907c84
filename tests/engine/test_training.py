"""From wheels to a trained network, in small: corpus, deny-list, examples, steps, resume, real edits, ranking."""

from __future__ import annotations

import json
import random
import zipfile
from pathlib import Path

import pytest
import torch
from hypothesis import given, strategies as st

from engine import TrainingError, tokens
from engine.loading import LoadedModel
from engine.models.embedded import EditNetwork, NetworkConfig
from engine.ranking import FEATURES
from engine.regions import changed_span, find_fix
from engine.tokens import CodeTokenizer
from engine.train.corpus import build_corpus, read_corpus
from engine.train.denied import grams, load_deny_list
from engine.train.examples import (
    KINDS,
    load_shard,
    make_example,
    mutate_all,
    save_shard,
    write_shards,
)
from engine.train.objective import SpanEdit, as_span_edit, losses_of, make_batch
from engine.train.ranking_fit import collect_case, fit_ranker, ranks
from engine.train.releases import build_releases, read_releases
from engine.train.trainer import TrainConfig, load_network, train
from tests.engine.conftest import MEDIAN

_MODULE = (
    MEDIAN
    + """

def clip(value, low, high):
    if value < low:
        return low
    return min(value, high)
"""
)


def _wheel(folder: Path, name: str, version: str, source: str, licence: str = "MIT") -> Path:
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}/core.py", source)
        archive.writestr(
            f"{name}/tests/test_core.py", "def test_never_read():\n    a = 1\n    assert a\n"
        )
        archive.writestr(
            f"{name}-{version}.dist-info/METADATA", f"Name: {name}\nLicense: {licence}\n\n"
        )
    return path


def test_corpus_keeps_functions_and_reports_what_it_left_out(tmp_path: Path) -> None:
    contamination = tmp_path / "contamination"
    contamination.mkdir()
    withheld = "def clip(value, low, high):\n    if value < low:\n        return low\n    return min(value, high)\n"
    (contamination / "packages.txt").write_text("Secret.Package\n")
    row = json.dumps({"id": "f", "grams": sorted(grams(withheld))})
    (contamination / "grams.jsonl").write_text(row + "\n")
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    _wheel(wheels, "goodone", "1.0", _MODULE)
    _wheel(wheels, "secret_package", "1.0", _MODULE)
    _wheel(wheels, "copyleft", "1.0", _MODULE, "GPL-3.0")
    _wheel(wheels, "django", "1.0", _MODULE)
    report = build_corpus(wheels, tmp_path / "corpus", load_deny_list(contamination), workers=1)
    ours = [
        f for f in read_corpus(tmp_path / "corpus" / "functions.jsonl.gz") if f.package != "python"
    ]
    assert [f.package for f in ours] == ["goodone"]
    assert "def median" in ours[0].source
    assert "middle value" not in ours[0].source
    assert report["withheld function in goodone"] == 1
    assert report["denied package secret-package"] == report["denied package django"] == 1
    assert report["licence not permissive copyleft"] == 1


@given(
    st.lists(st.sampled_from("abc"), max_size=8),
    st.lists(st.sampled_from("abc"), max_size=8),
)
def test_fix_turns_the_broken_lines_into_the_right_ones(
    broken: list[str], right: list[str]
) -> None:
    fix = find_fix(broken, right)
    assert [*broken[: fix.start], *fix.added, *broken[fix.start + fix.replaced :]] == right


def test_changed_span_is_what_differs() -> None:
    assert changed_span([1, 2, 3], [1, 9, 9, 3]) == (1, 3)
    assert changed_span([1, 2], [1, 2]) == (2, 2)


def test_examples_survive_their_shard(tokenizer: CodeTokenizer, tmp_path: Path) -> None:
    tokenizer.bpe.save(str(tmp_path / "tokenizer.json"))
    examples = mutate_all([MEDIAN] * 6, tmp_path / "tokenizer.json", 4, seed=3)
    assert save_shard(tmp_path / "shard-000.npz", examples) == len(examples) > 8
    assert load_shard(tmp_path / "shard-000.npz") == examples


def test_canvas_of_an_example_repairs_its_prompt(tokenizer: CodeTokenizer) -> None:
    broken = MEDIAN.replace("/ 3", "/ 2").split("\n")
    right = MEDIAN.split("\n")
    example = make_example(tokenizer, broken, right, "constant")
    assert example is not None
    fix = find_fix(broken, right)
    assert tokenizer.decode_canvas(example.canvas) == (fix.replaced, list(fix.added))
    starts = [i for i, token in enumerate(example.prompt) if token == tokens.LINE]
    assert starts[example.start] < starts[-1]


def test_long_functions_are_cropped_around_the_fix(tokenizer: CodeTokenizer) -> None:
    right = ["def f(a):", *(f"    a = a + {i}" for i in range(60)), "    return a"]
    broken = [line.replace("a + 41", "a - 41") for line in right]
    example = make_example(tokenizer, broken, right, "arithmetic", max_prompt=120)
    assert example is not None
    assert len(example.prompt) <= 120
    assert tokens.GAP in example.prompt
    starts = [i for i, token in enumerate(example.prompt) if token == tokens.LINE]
    line = example.prompt[starts[example.start] + 1 : starts[example.start + 1]]
    assert tokenizer.bpe.decode(line[1:]) == "a = a - 41"


def _edits(sources: list[str], folder: Path, count: int, seed: int) -> list[SpanEdit]:
    examples = mutate_all(sources, folder / "tokenizer.json", count, seed)
    edits = [edit for e in examples if (edit := as_span_edit(e)) is not None]
    return [edit for edit in edits if len(edit.prompt) <= 256 and edit.num_slots <= 40]


def test_losses_never_see_pads_and_fall(tokenizer: CodeTokenizer, tmp_path: Path) -> None:
    tokenizer.bpe.save(str(tmp_path / "tokenizer.json"))
    edits = _edits([MEDIAN] * 8, tmp_path, 4, seed=1)
    torch.manual_seed(0)
    network = EditNetwork(NetworkConfig(tokenizer.size, 64, 2, heads=2, hidden=96))
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    seen = []
    for step in range(25):
        batch = make_batch(edits, 256, 40, random.Random(step), 0.5)
        assert tokens.PAD not in batch.target_ids
        losses = losses_of(
            network, network(batch.ids, batch.segments, batch.positions, batch.mask.float()), batch
        )
        losses.total.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad()
        seen.append(losses.text)
    assert seen[-1] < 0.7 * seen[0]


def test_prompt_is_blind_to_the_canvas(
    network: EditNetwork, tokenizer: CodeTokenizer, tmp_path: Path
) -> None:
    """The shared prefix is exact: training's one pass and the two passes of sampling agree."""
    tokenizer.bpe.save(str(tmp_path / "tokenizer.json"))
    edit = next(e for e in _edits([MEDIAN] * 3, tmp_path, 2, seed=5) if e.frame)
    length = len(edit.prompt)
    batch = make_batch([edit], length, 40, random.Random(0), 0.0)
    whole = network(batch.ids, batch.segments, batch.positions, batch.mask.float())
    hidden, prefix = network.encode_prompt(batch.ids[0, :length])
    canvas = network.encode_canvas(
        batch.ids[:, length : length + 40], batch.positions[:, length : length + 40], prefix
    )
    assert torch.allclose(whole[0, :length], hidden, atol=1e-4)
    assert torch.allclose(whole[:, length : length + 40], canvas, atol=1e-4)


def test_training_resumes_where_it_stopped(tokenizer: CodeTokenizer, tmp_path: Path) -> None:
    tokenizer.bpe.save(str(tmp_path / "tokenizer.json"))
    count = write_shards(
        [MEDIAN] * 40, tmp_path / "tokenizer.json", tmp_path / "shards", 3, shard=40, workers=1
    )
    assert count > 60
    shape = NetworkConfig(tokenizer.size, 64, 1, heads=1, hidden=64)
    for minutes in (0.02, 0.04):
        config = TrainConfig(
            shards=tmp_path / "shards",
            out=tmp_path / "run",
            minutes=minutes,
            tokens_per_step=1500,
            compile=False,
        )
        train(config, EditNetwork(shape))
        saved = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=False)
        assert saved["state"]["seconds"] >= minutes * 60
    assert load_network(tmp_path / "run" / "checkpoint.pt").config == shape
    other = NetworkConfig(tokenizer.size, 128, 1, heads=2, hidden=64)
    with pytest.raises(TrainingError, match="wanted"):
        train(config, EditNetwork(other))


def test_training_without_shards_says_what_to_do(tmp_path: Path) -> None:
    config = TrainConfig(shards=tmp_path, out=tmp_path / "run", minutes=1, compile=False)
    with pytest.raises(TrainingError, match="examples"):
        train(config, EditNetwork(NetworkConfig(300, 64, 1, heads=1, hidden=64)))


def test_real_edits_come_from_consecutive_releases(tmp_path: Path) -> None:
    fixed = _MODULE.replace("/ 3", "/ 2")
    hinted = fixed.replace(
        "def clip(value, low, high)", "def clip(value: int, low: int, high: int)"
    )
    for version, source in (("1.0", _MODULE), ("1.1", fixed), ("1.10", hinted)):
        _wheel(tmp_path, "goodone", version, source)
    _wheel(tmp_path, "flask", "1.0", _MODULE)
    _wheel(tmp_path, "flask", "1.1", fixed)
    counts = build_releases(tmp_path, tmp_path, load_deny_list(None), workers=1)
    edits = list(read_releases(tmp_path / "releases.jsonl.gz"))
    assert counts == {"goodone": 1}
    assert "/ 3" in edits[0].before
    assert "/ 2" in edits[0].after


def test_ranking_learns_to_put_the_fix_first(model: LoadedModel) -> None:
    cases = []
    for broken in ("/ 3", "/ 4", "* 2", "- 2"):
        case = collect_case(
            model, MEDIAN.replace("/ 3", broken), MEDIAN.replace("/ 3", "/ 2"), "constant", 0
        )
        assert case is not None
        cases.append(case)
    assert any(case.right >= 0 for case in cases)
    ranker = fit_ranker(cases)
    assert set(ranker.coefficients) == set(FEATURES)
    flat = fit_ranker(cases[:0] or cases)
    assert sorted(ranks(cases, ranker))[0] <= sorted(ranks(cases, flat))[0]
    assert "clean" in KINDS
