#!/usr/bin/env python3
"""The samples of Hecto beside this file; ../../sample.py lays them out."""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent)]
sys.dont_write_bytecode = True
import notices  # noqa: E402
import questions  # noqa: E402
import sample  # noqa: E402
import transfers  # noqa: E402

if __name__ == "__main__":
    made = [*transfers.samples(), *notices.samples(), *questions.samples()]
    sys.exit(sample.run(made, HERE, sys.argv[1:]))
