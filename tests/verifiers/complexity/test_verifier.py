from pathlib import Path

import pytest

from verifiers import Change, Complexity, FileChange, Snapshot, Verifier, VerifierError

from .test_similarity import INVOICE, RECEIPT

pytestmark = pytest.mark.anyio


def change(before: str | None, after: str | None, path: str = "shop.py") -> Change:
    old, new = (None if text is None else text.encode() for text in (before, after))
    return Change({path: FileChange(before=old, after=new)})


@pytest.fixture
async def complexity(tmp_path: Path) -> Complexity:
    (tmp_path / "shop.py").write_text(INVOICE, encoding="utf-8")
    verifier = Complexity()
    await verifier.prepare(Snapshot(tmp_path, ("shop.py",), ""))
    return verifier


async def test_it_is_a_verifier(complexity: Complexity) -> None:
    assert isinstance(complexity, Verifier)
    assert complexity.name == "complexity"


async def test_score_is_a_half_when_nothing_is_added(complexity: Complexity) -> None:
    verdict = await complexity.verify(change(INVOICE, INVOICE.replace("> 10000", ">= 10000")))
    assert (verdict.passed, verdict.score, verdict.findings) == (True, 0.5, ())


async def test_score_falls_with_each_branch_and_rises_without(complexity: Complexity) -> None:
    guarded = INVOICE.replace(
        "    lines = []\n", "    if not order:\n        return ''\n    lines = []\n"
    )
    shorter = INVOICE[: INVOICE.index("    if total")] + "    return lines\n"
    more = await complexity.verify(change(INVOICE, guarded))
    less = await complexity.verify(change(INVOICE, shorter))
    assert 0 < more.score < 0.5 < less.score < 1


async def test_findings_name_unit_path_and_line(complexity: Complexity) -> None:
    guarded = INVOICE.replace(
        "    lines = []\n", "    if not order:\n        return ''\n    lines = []\n"
    )
    verdict = await complexity.verify(change(INVOICE, guarded))
    by_kind = {finding.kind: finding for finding in verdict.findings}
    assert set(by_kind) == {"complexity.cognitive", "complexity.mass"}
    assert by_kind["complexity.cognitive"].message == "invoice: cognitive complexity 4 -> 5 (+1)"
    assert (by_kind["complexity.cognitive"].path, by_kind["complexity.cognitive"].line) == (
        "shop.py",
        2,
    )


async def test_a_copy_is_a_warning_that_names_its_source(complexity: Complexity) -> None:
    verdict = await complexity.verify(change(None, RECEIPT, "receipts.py"))
    (finding,) = [one for one in verdict.findings if one.kind == "complexity.similar"]
    assert finding.severity == "warning"
    assert "shop.py:2 (invoice)" in finding.message
    assert verdict.passed


async def test_a_file_that_does_not_parse_fails(complexity: Complexity) -> None:
    verdict = await complexity.verify(change(INVOICE, INVOICE + "def f(:\n"))
    assert (verdict.passed, verdict.score, verdict.outcome) == (False, 0.0, "invalid")
    assert verdict.findings[0].path == "shop.py"
    assert verdict.findings[0].line == INVOICE.count("\n") + 1


async def test_other_files_are_let_pass(complexity: Complexity) -> None:
    verdict = await complexity.verify(change(None, "not python", "notes.txt"))
    assert (verdict.passed, verdict.score) == (True, 0.5)


async def test_verify_needs_prepare() -> None:
    with pytest.raises(VerifierError, match="prepare"):
        await Complexity().verify(change(INVOICE, RECEIPT))
