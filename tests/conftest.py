"""The zip that several rooms test, and the end of a run that may have Blender in its process."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

import build_addon

_exit_status: list[int] = []


@pytest.fixture(scope="session")
def built_zip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    bundle = Path(os.environ.get("FACEGEN_BUNDLE", build_addon.DEFAULT_BUNDLE))
    if not bundle.is_file():
        pytest.skip(f"{bundle} is missing: make it with 'python -m training export'")
    try:
        return build_addon.build("linux-x64", bundle, tmp_path_factory.mktemp("dist"))
    except build_addon.DownloadError as error:
        pytest.skip(str(error))


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    _exit_status.append(int(exitstatus))


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave at once when Blender was loaded: it may crash (4.2) or hang (4.5) as Python ends.

    Everything has been reported by now, so pytest's closing line is the last of the output.
    """
    if "bpy" in sys.modules and _exit_status:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(_exit_status[-1])
