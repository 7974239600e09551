"""C{python docs/build.py SITE}: builds the documentation into a folder, or fails on any warning.

Nothing is fetched: the pages need no network, neither to be built nor to be read.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

_DESCRIBED = (
    *("__init__.py", "accuracy.py", "changes.py", "codec.py", "errors.py", "fields.py"),
    *("genes.py", "model.py", "observation.py", "client", "engine"),
)
"""What programs import, with the values that it gives and takes; the rest is nobody's to import."""

_HOME = '<meta http-equiv="refresh" content="0; url=docs/README.html"><title>KATO</title>\n'


def build(site: Path) -> None:
    """Build all of it.

    @raise CalledProcessError: where there was a warning, which was told.
    """
    _run("sphinx", "-q", "-E", "-W", "--keep-going", "-c", str(ROOT / "docs"), str(ROOT), str(site))
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder, "kato")
        package.mkdir()
        for name in _DESCRIBED:
            source = ROOT / "kato" / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, package / name)
        _run(
            *("pydoctor", "-q", "--docformat=epytext", "--project-name=KATO", "-W"),
            *("--privacy=PRIVATE:kato.engine.**", "--privacy=PUBLIC:kato.engine.*"),
            *(f"--html-output={site / 'api'}", str(package)),
        )
    (site / "index.html").write_text(_HOME, encoding="utf-8")


def _run(module: str, *words: str) -> None:
    subprocess.run([sys.executable, "-m", module, *words], check=True)


if __name__ == "__main__":
    try:
        build(Path(sys.argv[1]).absolute())
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
