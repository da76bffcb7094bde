"""README.md and README.ja.md say the same: as many headings of each depth, the same code, the same pages linked."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
ENGLISH, JAPANESE = (PROJECT / name for name in ("README.md", "README.ja.md"))
PAGES = [ENGLISH, JAPANESE, *sorted((PROJECT / "docs").rglob("*.md"))]
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_REMARK = re.compile(r"(^|\s{2,})#.*$", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)#:\s]+)(#[^)]*)?\)")


def _without_code(page: Path) -> str:
    return _BLOCK.sub("", page.read_text(encoding="utf-8"))


def _code(page: Path) -> list[tuple[str, str]]:
    """Every block but drawings of folders, without remarks."""
    blocks = _BLOCK.findall(page.read_text(encoding="utf-8"))
    return [(kind, _REMARK.sub("", text)) for kind, text in blocks if kind]


def test_both_have_the_same_headings_by_depth() -> None:
    english, japanese = (re.findall(r"^#+", _without_code(page), re.MULTILINE) for page in (ENGLISH, JAPANESE))
    assert english == japanese


def test_both_have_the_same_code_but_for_remarks() -> None:
    assert _code(ENGLISH) == _code(JAPANESE)
    english, japanese = (len(_BLOCK.findall(page.read_text(encoding="utf-8"))) for page in (ENGLISH, JAPANESE))
    assert english == japanese


def test_both_link_to_the_same_pages_and_to_one_another() -> None:
    english, japanese = ({link for link, _ in _LINK.findall(_without_code(page))} for page in (ENGLISH, JAPANESE))
    assert english - {"README.ja.md"} == japanese - {"README.md"}
    assert ("README.ja.md" in english, "README.md" in japanese) == (True, True)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    lost = []
    for link, anchor in _LINK.findall(_without_code(page)):
        target = (page.parent / link).resolve()
        if not target.exists():
            lost.append(link)
        elif anchor and target.suffix == ".md" and anchor[1:] not in _anchors(target):
            lost.append(link + anchor)
    assert lost == []


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", _without_code(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def test_every_page_stands_in_the_index() -> None:
    index = PROJECT / "docs" / "README.md"
    linked = {(index.parent / link).resolve() for link, _ in _LINK.findall(_without_code(index))}
    left = [page for page in PAGES if page not in linked and page != index and "decisions" not in page.parts]
    assert [str(page.relative_to(PROJECT)) for page in left if page != ENGLISH] == []
