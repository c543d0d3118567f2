"""A disk that fills up during a training."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from bot.errors import ProjectError
from bot.lifecycle import training


def test_the_fullest_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = {tmp_path: 3, Path.cwd(): 900}
    monkeypatch.setattr(training, "_free_mb", lambda folder: free.get(folder, 500))
    with pytest.raises(ProjectError) as caught, training._readable_errors(tmp_path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert f"3 MB are left in {tmp_path}" in str(caught.value)
    assert "--out" in str(caught.value)


def test_an_archive_folder_that_is_not_there_yet_is_no_trouble(tmp_path: Path) -> None:
    out = tmp_path / "models"
    with pytest.raises(ProjectError, match="disk is full"), training._readable_errors(out):
        raise OSError(errno.EDQUOT, "quota")


def test_other_errors_are_not_ours_to_explain(tmp_path: Path) -> None:
    with pytest.raises(PermissionError), training._readable_errors(tmp_path):
        raise PermissionError(errno.EACCES, "no")
