"""Whether two wheels hold the same: python same.py ONE OTHER.

What is compiled need only be in both: a compiler writes the folder that it worked in, too.
"""

import sys
from hashlib import sha256
from zipfile import ZipFile


def contents(path: str) -> dict[str, str]:
    """The files of a wheel with their digests."""
    with ZipFile(path) as wheel:
        return {
            name: "compiled" if name.endswith(".so") else sha256(wheel.read(name)).hexdigest()
            for name in wheel.namelist()
            if not name.endswith("/RECORD")  # it has the digest of the kernel
        }


one, other = map(contents, sys.argv[1:])
differing = sorted(name for name in {*one, *other} if one.get(name) != other.get(name))
if differing:
    sys.exit(f"they differ in {', '.join(differing)}")
for needed in ("kato/py.typed", "kato/engine/_kernel.abi3.so", "kato/dashboard/index.html"):
    if needed not in one:
        sys.exit(f"{needed} is missing")
if not any(name.endswith("/licenses/LICENSE") for name in one):
    sys.exit("the licence is missing")
print(f"{len(one)} files are the same")
