"""The site builds, without a warning."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from docs.blocks import ROOT


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("zensical", reason="zensical is not installed (pip install 'idaware[docs]')")
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--strict", "--clean"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Warning" not in re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
    page = (tmp_path / "site" / "how-to" / "bad-days" / "index.html").read_text(encoding="utf-8")
    assert "When something goes wrong" in page
    assert "fonts.googleapis.com" not in page, "nothing is fetched from anywhere"
