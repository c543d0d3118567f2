"""The picture of a training."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.ml.curves import draw_curves
from bot.ml.trained import EpochRecord

BARE = [EpochRecord(1, 2.0, 0.1), EpochRecord(2, 1.0, 0.1)]
VALIDATED = [EpochRecord(n, 2.0 / n, 0.1, 1.0 / n, 0.5, 0.4) for n in (1, 2, 3)]


@pytest.mark.parametrize("curve", [BARE, VALIDATED, BARE[:1], []], ids=len)
def test_a_picture_is_written(curve: list[EpochRecord], tmp_path: Path) -> None:
    path = tmp_path / "curves.png"
    draw_curves(curve, 1, path)
    assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert path.stat().st_size > 5000


def test_what_was_validated_is_in_the_picture(tmp_path: Path) -> None:
    draw_curves(VALIDATED, 2, tmp_path / "with.png")
    draw_curves(BARE, 2, tmp_path / "without.png")
    draw_curves(VALIDATED, 3, tmp_path / "another.png")
    pictures = {path.read_bytes() for path in tmp_path.iterdir()}
    assert len(pictures) == 3


def test_the_line_stands_at_the_epoch_that_was_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from matplotlib.axes import Axes

    drawn: list[int] = []
    monkeypatch.setattr(Axes, "axvline", lambda self, x, **_: drawn.append(x))
    draw_curves(VALIDATED, 3, tmp_path / "curves.png")
    assert drawn == [3]
