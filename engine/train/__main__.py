"""`python -m engine.train …`: the shipped model from nothing, in the order of the commands below."""

from __future__ import annotations

import random
import zlib
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False, help=__doc__, no_args_is_help=True)
Corpus = Annotated[Path, typer.Option(help="Folder of the corpus; never committed.")]
_MOST_PER_PACKAGE = 2_000
_MOST_OF_STANDARD_LIBRARY = 9_000


@app.command()
def corpus(
    wheels: Annotated[
        Path, typer.Option(help="Folder of wheels: `pip download --no-deps -r packages.txt`.")
    ],
    folder: Corpus = Path("corpus"),
    deny_grams: Annotated[
        Path | None, typer.Option(help="Folder with packages.txt and grams.jsonl.")
    ] = None,
) -> None:
    """Read functions from the standard library and from wheels."""
    from .corpus import build_corpus
    from .denied import load_deny_list

    report = build_corpus(wheels, folder, load_deny_list(deny_grams))
    typer.echo({name: n for name, n in report.items() if not name.startswith("functions of")})


@app.command()
def examples(
    folder: Corpus = Path("corpus"),
    mutants: int = 2,
    vocabulary: int = 6144,
    weights: Annotated[
        Path | None, typer.Option(help="Take the tokenizer of these weights, to go on from them.")
    ] = None,
) -> None:
    """Train the tokenizer and write shards of mutated functions."""
    from engine.tokens import CodeTokenizer, train_tokenizer

    from .examples import write_shards

    sources, _ = _split(folder)
    if weights is None:
        lines = (line for source in sources[:60_000] for line in source.split("\n"))
        tokenizer = train_tokenizer(lines, vocabulary)
    else:
        tokenizer = CodeTokenizer.load(weights / "tokenizer.json")
    tokenizer.bpe.save(str(folder / "tokenizer.json"))
    typer.echo(write_shards(sources, folder / "tokenizer.json", folder / "shards", mutants))


@app.command()
def releases(
    wheels: Annotated[
        Path, typer.Option(help="Folder of wheels, several releases of each package.")
    ],
    folder: Corpus = Path("corpus"),
    deny_grams: Annotated[
        Path | None, typer.Option(help="Folder with packages.txt and grams.jsonl.")
    ] = None,
) -> None:
    """Read real edits, and write a shard of most of them; one package in eight is left for `rank`."""
    from engine.tokens import CodeTokenizer

    from .denied import load_deny_list
    from .examples import make_example, save_shard
    from .releases import build_releases, read_releases

    counts = build_releases(wheels, folder, load_deny_list(deny_grams))
    tokenizer = CodeTokenizer.load(folder / "tokenizer.json")
    edits = [
        e
        for e in read_releases(folder / "releases.jsonl.gz")
        if not _is_left_for_ranking(e.package)
    ]
    made = [
        make_example(tokenizer, e.before.split("\n"), e.after.split("\n"), "release") for e in edits
    ]
    kept = save_shard(
        folder / "shards" / "releases.npz", [example for example in made if example is not None]
    )
    typer.echo({"edits": sum(counts.values()), "packages": len(counts), "examples": kept})


@app.command()
def fit(
    out: Annotated[Path, typer.Option(help="Folder of checkpoint and log.")],
    minutes: Annotated[float, typer.Option(help="Training time in all; a second call resumes.")],
    folder: Corpus = Path("corpus"),
    width: int = 192,
    layers: int = 6,
    hidden: int = 512,
    threads: int = 2,
    tokens_per_step: int = 6144,
    compile_blocks: bool = True,
    weights: Annotated[Path | None, typer.Option(help="Folder of weights to go on from.")] = None,
) -> None:
    """Train, with checkpoints; call again to go on."""
    import torch

    from engine.loading import load_model
    from engine.models.embedded import EditNetwork, NetworkConfig
    from engine.tokens import CodeTokenizer

    from .trainer import TrainConfig, train

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    size = CodeTokenizer.load(folder / "tokenizer.json").size
    shape = NetworkConfig(size, width, layers, heads=width // 64, hidden=hidden)
    config = TrainConfig(
        shards=folder / "shards",
        out=out,
        minutes=minutes,
        tokens_per_step=tokens_per_step,
        compile=compile_blocks,
    )
    network = EditNetwork(shape)
    if weights is not None:
        network.load_state_dict(load_model(weights, torch.float32).network.state_dict())
    train(config, network)


@app.command()
def rank(
    checkpoint: Annotated[Path, typer.Option(help="checkpoint.pt of `fit`.")],
    out: Annotated[Path, typer.Option(help="Folder of the weights to write.")],
    folder: Corpus = Path("corpus"),
    num_mutants: int = 300,
    num_releases: int = 200,
    workers: int = 2,
) -> None:
    """Fit the ranking on code that was not trained on, print what it reaches, and write the weights."""
    import json

    from engine.loading import save_model
    from engine.tokens import CodeTokenizer

    from .cases import collect_cases, held_out_edits, held_out_mutants
    from .ranking_fit import fit_ranker, places_table
    from .releases import read_releases
    from .trainer import load_network

    _, held = _split(folder)
    broken = held_out_mutants(held, num_mutants)
    if (folder / "releases.jsonl.gz").exists():
        edits = [
            e
            for e in read_releases(folder / "releases.jsonl.gz")
            if _is_left_for_ranking(e.package)
        ]
        broken += held_out_edits(edits, num_releases)
    network, tokenizer = load_network(checkpoint), CodeTokenizer.load(folder / "tokenizer.json")
    cases = collect_cases(checkpoint, folder / "tokenizer.json", broken, workers)
    half = fit_ranker(cases[::2])
    typer.echo(json.dumps(places_table(cases[1::2], half), indent=1))
    save_model(out, network, tokenizer, fit_ranker(cases))


def _split(folder: Path) -> tuple[list[str], list[str]]:
    """Sources to learn from, and the last twentieth, which the ranking is fitted on."""
    sources = _balanced(folder)
    first = len(sources) * 19 // 20
    return sources[:first], sources[first:]


def _is_left_for_ranking(package: str) -> bool:
    return zlib.crc32(package.encode()) % 8 == 0


def _balanced(folder: Path) -> list[str]:
    """Sources in random order, at most so many of one package."""
    from .corpus import read_corpus

    functions = list(read_corpus(folder / "functions.jsonl.gz"))
    random.Random(0).shuffle(functions)
    counts: Counter[str] = Counter()
    kept = []
    for function in functions:
        counts[function.package] += 1
        limit = _MOST_OF_STANDARD_LIBRARY if function.package == "python" else _MOST_PER_PACKAGE
        if counts[function.package] <= limit:
            kept.append(function.source)
    return kept


if __name__ == "__main__":
    app()
