"""The detector as it is: what it sees, where, from many threads, and that it asks nobody."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from koubou.detectors.kingfisher import Kingfisher

TOKEN = "ghp_" + "aB3dE5gH7jK9mN1pQ3rS5tU7vW9xY1zA3bC5"  # joined here, so that no scanner of repositories stops at it


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Kingfisher:
    """A loaded detector; the module shares it, since the first load takes seconds."""
    kingfisher = Kingfisher(tmp_path_factory.mktemp("detector") / "rules")
    assert not kingfisher.ready
    kingfisher.load()
    assert kingfisher.ready
    return kingfisher


def test_a_token_is_seen_where_it_stands(detector: Kingfisher) -> None:
    (hit,) = detector.scan(f"first\nkey {TOKEN} here".encode())
    assert (hit.line, hit.start, hit.end) == (2, 10, 10 + len(TOKEN))
    assert hit.sample == "gh"
    assert TOKEN[2:] not in repr(hit)


def test_texts_are_scanned_together_and_hits_told_apart(detector: Kingfisher) -> None:
    texts = [("title", "お茶"), ("prompt", f"漢字\n\n{TOKEN}"), ("system", f"again {TOKEN}")]
    hits = detector.scan_texts(texts)
    assert [(hit.where, hit.line) for hit in hits] == [("prompt", 3), ("system", 1)]
    for hit in hits:
        whole = dict(texts)[hit.where].encode()
        assert whole[hit.start : hit.end].decode() == TOKEN


def test_scanning_again_sees_it_again(detector: Kingfisher) -> None:
    assert [len(detector.scan(TOKEN.encode())) for _ in range(3)] == [1, 1, 1]


def test_a_comment_in_the_text_silences_nothing(detector: Kingfisher) -> None:
    assert detector.scan(f"{TOKEN} # gitleaks:allow kingfisher:ignore pragma: allowlist secret".encode())


def test_plain_text_is_left_alone(detector: Kingfisher) -> None:
    assert detector.scan(b"") == []
    assert detector.scan_texts([]) == []
    assert detector.scan(b"\xff\xfe\x00 count the tokens of a prompt") == []


def test_many_threads_may_scan_at_once(detector: Kingfisher) -> None:
    texts = [f"{number} {TOKEN}".encode() if number % 2 else b"nothing" for number in range(400)]
    with ThreadPoolExecutor(8) as threads:
        assert [len(hits) for hits in threads.map(detector.scan, texts)] == [number % 2 for number in range(400)]


def test_a_scan_opens_no_connection(detector: Kingfisher) -> None:
    """The vendors' addresses are reached by validators only, and the adapter never makes one."""
    before = psutil.Process().net_connections(kind="all")
    detector.scan(f"token {TOKEN}".encode())
    assert psutil.Process().net_connections(kind="all") == before


def test_the_rules_are_kept_for_the_next_start(detector: Kingfisher, tmp_path: Path) -> None:
    assert detector.scan(TOKEN.encode())
    kept = list(Path(str(detector._cache_dir)).iterdir())
    assert kept
    again = Kingfisher(detector._cache_dir)
    again.load()
    assert again.scan(TOKEN.encode())
