"""The shipped weights: read from the package, checked against their manifest, in well under a second."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from .errors import LoadError
from .models.embedded import EditNetwork, NetworkConfig
from .ranking import Ranker
from .tokens import CodeTokenizer

WEIGHTS = Path(__file__).parent / "weights"
_FILES = ("model.safetensors", "tokenizer.json", "ranking.json")


@dataclass(frozen=True)
class LoadedModel:
    """Everything that the embedded engine needs."""

    network: EditNetwork
    tokenizer: CodeTokenizer
    ranker: Ranker
    manifest: dict[str, str]


def load_model(folder: Path = WEIGHTS, dtype: torch.dtype | None = None) -> LoadedModel:
    """Load network, tokenizer and ranking.

    Args:
        folder: where `model.safetensors`, `tokenizer.json`, `ranking.json` and `manifest.json` lie.
        dtype: bfloat16 where the processor multiplies it natively, else float32.

    Raises:
        LoadError: a file is missing, damaged, or not the one that the manifest names.
    """
    hashes = _checked_hashes(folder)
    dtype = dtype or native_dtype()
    try:
        with safe_open(folder / "model.safetensors", "pt") as file:
            config = NetworkConfig(**json.loads((file.metadata() or {})["config"]))
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise LoadError(f"{folder}/model.safetensors cannot be read: {error}") from error
    # Not on the meta device: there the first random fill imports the compiler, for over a second.
    with torch.random.fork_rng(devices=[]):
        network = EditNetwork(config)
    network.load_state_dict({k: v.to(dtype) for k, v in state.items()}, assign=True)
    network.inverse_frequency = network.frequencies()
    manifest = {**hashes, "dtype": str(dtype), "torch": torch.__version__}
    return LoadedModel(
        network.eval().requires_grad_(requires_grad=False),
        CodeTokenizer.load(folder / "tokenizer.json"),
        Ranker.load(folder / "ranking.json"),
        manifest,
    )


def save_model(
    folder: Path, network: EditNetwork, tokenizer: CodeTokenizer, ranker: Ranker
) -> None:
    """Write the four files; weights in float16."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    state = {k: v.detach().half().contiguous() for k, v in network.state_dict().items()}
    metadata = {"config": json.dumps(network.config.as_dict())}
    save_file(state, folder / "model.safetensors", metadata=metadata)
    (folder / "model.safetensors").chmod(0o644)
    tokenizer.bpe.save(str(folder / "tokenizer.json"), pretty=False)
    (folder / "ranking.json").write_text(json.dumps(dict(ranker.coefficients), indent=1) + "\n")
    hashes = {name: _sha256(folder / name) for name in _FILES}
    (folder / "manifest.json").write_text(json.dumps(hashes, indent=1) + "\n")


def native_dtype() -> torch.dtype:
    """bfloat16 where the processor has instructions for it."""
    probe = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return torch.bfloat16 if probe is not None and probe() else torch.float32


def _checked_hashes(folder: Path) -> dict[str, str]:
    missing = [name for name in (*_FILES, "manifest.json") if not (folder / name).is_file()]
    if missing:
        raise LoadError(
            f"{folder} lacks {', '.join(missing)}: reinstall winnow-agent, or train the model first"
        )
    wanted: dict[str, str] = json.loads((folder / "manifest.json").read_text())
    for name in _FILES:
        if (seen := _sha256(folder / name)) != wanted.get(name):
            raise LoadError(
                f"{folder / name} has hash {seen[:12]}, its manifest says {str(wanted.get(name))[:12]}"
            )
    return {name: wanted[name] for name in _FILES}


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
