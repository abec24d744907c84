"""64 samples of one function, beside a plain loop that reads the prompt again at each step and keeps every row to the end.

Both run the same weights, the same seeds and the same acceptance rule, interleaved, in one process.
"""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

from engine import SampleRequest, tokens
from engine.acceptance import ConfidenceThreshold
from engine.base import Passage
from engine.loading import LoadedModel, load_model
from engine.prefix import PrefixCache
from engine.proposers.adapter import ANY_TEXT, FIRST_SLOT, EmbeddedAdapter
from engine.proposers.sampled import sample_rows
from engine.question import ask
from engine.tokens import prompt_ids

_FUNCTION = """\
def merge_ranges(ranges, gap):
    merged = []
    for start, end in sorted(ranges):
        if end < start:
            raise ValueError(f"range ends before it starts: {start}..{end}")
        if merged and start - merged[-1][1] < gap:
            previous_start, previous_end = merged[-1]
            merged[-1] = (previous_start, max(previous_end, end))
        else:
            merged.append((start, end))
    total = 0
    for start, end in merged:
        total += end - start
    return merged, total
"""
_ROWS, _STEPS, _REPEATS, _CANVAS = 64, 8, 5, 24


def main() -> None:
    """Print seconds of both and their ratio."""
    torch.set_num_threads(2)
    model = load_model()
    lines = tuple(_FUNCTION.rstrip("\n").split("\n"))
    anchors = tuple(str(i + 1) for i in range(len(lines)))
    passage = Passage(path="ranges.py", lines=lines, anchors=anchors, weights=(1.0,) * len(lines))
    ours, plain = [], []
    for _ in range(_REPEATS):
        ours.append(_seconds(lambda: _winnow(model, passage)))
        plain.append(_seconds(lambda: _plain_loop(model, passage)))
    ratio = statistics.median(plain) / statistics.median(ours)
    print(
        f"{platform.processor() or platform.machine()}, torch {torch.__version__}, 2 threads, {model.manifest['dtype']}"
    )
    print(f"{_ROWS} samples, {_STEPS} steps, medians of {_REPEATS}, interleaved")
    print(f"winnow      {statistics.median(ours):6.2f} s")
    print(f"plain loop  {statistics.median(plain):6.2f} s   {ratio:.1f} times as long")


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _winnow(model: LoadedModel, passage: Passage) -> None:
    with torch.no_grad():
        question = ask(passage, model.network, model.tokenizer, PrefixCache(model.network))
        adapter = EmbeddedAdapter(model.network, question.encoded)
        request = SampleRequest(n=_ROWS, passage=passage, max_steps=_STEPS)
        for _ in sample_rows(question, adapter, model.tokenizer, request):
            pass


@torch.no_grad()
def _plain_loop(model: LoadedModel, passage: Passage) -> Tensor:
    """Prompt and canvas of every row through the network at every step; logits of all canvas positions."""
    network = model.network
    ids, starts = prompt_ids(model.tokenizer.encode_lines(passage.lines))
    prompt = torch.tensor(ids).expand(_ROWS, -1)
    scores = network.line_scores(network.encode_prompt(prompt[0])[0][starts]).float()
    lines = torch.multinomial((scores / 1.6).softmax(-1), _ROWS, replacement=True)
    positions = torch.arange(prompt.shape[1]).expand(_ROWS, -1)
    canvas_positions = torch.tensor(starts)[lines][:, None] + torch.arange(_CANVAS)
    canvas = torch.full((_ROWS, _CANVAS), tokens.MASK)
    length = prompt.shape[1]
    segments = torch.cat([torch.zeros_like(prompt), torch.ones_like(canvas)], 1)
    allowed = (torch.arange(length + _CANVAS) < length)[None] | (segments[0] == 1)[:, None]
    mask = (
        torch.zeros(allowed.shape)
        .masked_fill(~allowed, -30_000.0)
        .to(network.embedding.weight.dtype)
    )
    limits = EmbeddedAdapter(network, PrefixCache(network).encode(ids)).vocabularies
    kinds = torch.full((_CANVAS,), ANY_TEXT)
    kinds[0] = FIRST_SLOT
    for step in range(_STEPS):
        sequence = torch.cat([prompt, canvas], 1)
        hidden = network(
            sequence, segments, torch.cat([positions, canvas_positions], 1), mask[None, None]
        )
        logits = network.text_logits(hidden[:, length:]).float() + limits[kinds]
        probabilities = logits.softmax(-1)
        drawn = torch.multinomial(probabilities.flatten(0, 1), 1).view(_ROWS, _CANVAS)
        confidence = probabilities.log().gather(-1, drawn[..., None]).squeeze(-1)
        is_open = canvas == tokens.MASK
        kept = ConfidenceThreshold().accept(confidence, is_open, _STEPS - step)
        canvas = torch.where(kept, drawn, canvas)
    return canvas


if __name__ == "__main__":
    main()
