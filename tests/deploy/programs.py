"""Programs that come with the environment of the tests."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def said(program: str, *words: str, tells: Sequence[int] = (0,)) -> str:
    """What a program of this environment says.

    @param tells: with which statuses it may end.
    """
    here = str(Path(sys.executable).parent)
    found = shutil.which(program, path=os.pathsep.join([here, os.environ.get("PATH", "")]))
    if found is None:
        raise AssertionError(f"{program} is not there: pip install --editable '.[test]'")
    done = subprocess.run([found, *words], capture_output=True, text=True, check=False)
    if done.returncode not in tells:
        raise AssertionError(f"{program}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout
