"""Training examples: a function with a mistake, where the fix goes, and the canvas that fixes it.

Examples are made once and stored as flat arrays, a shard at a time, so that training can start with the first shard.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine import tokens
from engine.operators import TABLE, mutations
from engine.regions import find_fix
from engine.tokens import CodeTokenizer, prompt_ids

KINDS = (*(operator.kind for operator in TABLE), "clean", "release")
_MAX_ADDED_LINES = 7


@dataclass(frozen=True, slots=True)
class Example:
    """Token ids of one training example. `start` counts `<line>` tokens of the prompt."""

    prompt: list[int]
    start: int
    canvas: list[int]
    kind: int


def make_example(
    tokenizer: CodeTokenizer,
    broken: Sequence[str],
    right: Sequence[str],
    kind: str,
    max_prompt: int = 512,
    max_canvas: int = 48,
) -> Example | None:
    """Tokens of one broken function; None when prompt or fix do not fit, or the fix is not one small region."""
    fix = find_fix(broken, right)
    if fix.replaced > tokens.MAX_REPLACED or len(fix.added) > _MAX_ADDED_LINES:
        return None
    canvas = tokenizer.encode_canvas(fix.replaced, fix.added)
    if kind == "clean":
        canvas = [tokens.NOOP]
    if len(canvas) >= max_canvas:
        return None
    lines, start = crop_lines(tokenizer.encode_lines(broken), fix.start, max_prompt)
    if lines is None:
        return None
    return Example(prompt_ids(lines)[0], start, canvas, KINDS.index(kind))


def crop_lines(
    lines: list[list[int]], center: int, max_prompt: int
) -> tuple[list[list[int]] | None, int]:
    """Signature, `<gap>` and the lines around `center` that fit; the whole function where it fits.

    Returns the lines and the index of the center among them; None when not even the center fits.
    """
    if sum(len(line) + 1 for line in lines) + 2 <= max_prompt:
        return lines, center
    first, last = center, min(center + 1, len(lines))
    room = max_prompt - 8 - len(lines[0]) - sum(len(line) + 1 for line in lines[first:last])
    while room > 0 and (first > 1 or last < len(lines)):
        if first > 1 and (center - first <= last - center or last >= len(lines)):
            first -= 1
            room -= len(lines[first]) + 1
        elif last < len(lines):
            room -= len(lines[last]) + 1
            last += 1
        else:
            break
    if room < -max_prompt // 4 or first < 1:
        return None, 0
    window = [lines[0], *([[tokens.GAP]] if first > 1 else []), *lines[first:last]]
    if sum(len(line) + 1 for line in window) + 2 > max_prompt:
        return None, 0
    return window, center - first + (2 if first > 1 else 1)


def write_shards(
    sources: Iterable[str],
    tokenizer_path: Path,
    out: Path,
    mutants: int,
    shard: int = 12_000,
    workers: int = 2,
) -> int:
    """Mutate every source `mutants` times and write `shard-NNN.npz` files; returns the number of examples."""
    out.mkdir(parents=True, exist_ok=True)
    total, iterator = 0, iter(sources)
    chunks: Iterator[list[str]] = iter(lambda: list(islice(iterator, shard // workers)), [])
    with ProcessPoolExecutor(workers) as pool:
        pending, index = [], 0
        for seed, chunk in enumerate(chunks):
            pending.append(pool.submit(mutate_all, chunk, tokenizer_path, mutants, seed))
            if len(pending) > workers:
                total += save_shard(out / f"shard-{index:03d}.npz", pending.pop(0).result())
                index += 1
        for future in pending:
            total += save_shard(out / f"shard-{index:03d}.npz", future.result())
            index += 1
    return total


def mutate_all(
    sources: Sequence[str], tokenizer_path: Path, count: int, seed: int
) -> list[Example]:
    """Examples of many right functions; about one in twelve stays clean."""
    warnings.simplefilter("ignore")
    tokenizer, rng = CodeTokenizer.load(tokenizer_path), random.Random(seed)
    examples: list[Example | None] = []
    for source in sources:
        right = source.rstrip("\n").split("\n")
        try:
            mutants = mutations(source, rng, count)
        except (SyntaxError, ValueError, RecursionError):
            continue
        for mutant in mutants:
            broken = mutant.source.rstrip("\n").split("\n")
            examples.append(make_example(tokenizer, broken, right, mutant.kind))
        if rng.random() < count / 12:
            start = rng.randrange(len(right))
            clean = make_example(tokenizer, right, right, "clean")
            if clean is not None and len(clean.prompt) < 512:
                starts = [i for i, t in enumerate(clean.prompt) if t == tokens.LINE]
                start = min(start, len(starts) - 1)
                examples.append(Example(clean.prompt, start, clean.canvas, clean.kind))
    return [example for example in examples if example is not None]


def save_shard(path: Path, examples: Sequence[Example]) -> int:
    """Write examples as flat arrays."""
    np.savez(
        path,
        prompts=_flat([e.prompt for e in examples]),
        prompt_lengths=np.array([len(e.prompt) for e in examples], np.int32),
        canvases=_flat([e.canvas for e in examples]),
        canvas_lengths=np.array([len(e.canvas) for e in examples], np.int32),
        starts=np.array([e.start for e in examples], np.int16),
        kinds=np.array([e.kind for e in examples], np.int8),
    )
    return len(examples)


def load_shard(path: Path) -> list[Example]:
    """Read what `save_shard` wrote."""
    with np.load(path) as data:
        prompts = np.split(data["prompts"], np.cumsum(data["prompt_lengths"])[:-1])
        canvases = np.split(data["canvases"], np.cumsum(data["canvas_lengths"])[:-1])
        rows = zip(prompts, data["starts"].tolist(), canvases, data["kinds"].tolist(), strict=True)
        return [Example(p.tolist(), s, c.tolist(), k) for p, s, c, k in rows]


def _flat(rows: Sequence[Sequence[int]]) -> NDArray[np.uint16]:
    return np.concatenate([np.asarray(row, np.uint16) for row in rows] or [np.zeros(0, np.uint16)])
