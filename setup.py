"""What setup.cfg cannot say: the matching kernel is compiled where a compiler is.

It is optional: without a compiler, or where it fails, all else is installed, and matching is done
in Python.
"""

from glob import glob

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

FLAGS = ("-std=c11", "-O3", "-fvisibility=hidden", "-ffp-contract=off", "-pthread")
"""Of GCC and Clang; other compilers cannot build the kernel, which says so itself.  Products and
sums are not fused, since the answers' digits are promised."""


class BuildKernel(build_ext):
    """Compiles with the flags that the compiler knows."""

    def build_extensions(self) -> None:
        """Compile all extensions, of which there is one."""
        if self.compiler.compiler_type == "unix":
            for extension in self.extensions:
                extension.extra_compile_args.extend(FLAGS)
                extension.extra_link_args.append("-pthread")
        super().build_extensions()


setup(
    cmdclass={"build_ext": BuildKernel},
    ext_modules=[
        Extension(
            "kato.engine._kernel",
            sources=sorted(glob("kato/engine/kernel/*.c")),
            depends=sorted(glob("kato/engine/kernel/*.h")),
            define_macros=[("Py_LIMITED_API", "0x030B0000")],
            libraries=["m"],
            py_limited_api=True,
            optional=True,
        )
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
