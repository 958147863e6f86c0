"""The options of the scripts here: each script's own text tells of them."""

import argparse
import os
import sys


class Options(argparse.ArgumentParser):
    """Prints a script's text for --help; exits 64 where it is called wrongly (EX_USAGE, sysexits.h)."""

    def __init__(self, text):
        super().__init__(
            prog=f"tools/{os.path.basename(sys.argv[0])}", description=text, usage=argparse.SUPPRESS,
            formatter_class=argparse.RawDescriptionHelpFormatter)

    def add(self, name, **settings):
        self.add_argument(name, help=argparse.SUPPRESS, **settings)

    def error(self, message):
        print(f"{self.prog}: {message}; see {self.prog} --help", file=sys.stderr)
        sys.exit(64)
