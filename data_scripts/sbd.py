"""SBD, the Semantic Boundaries Dataset: label masks for more pictures of VOC, in data/SBD.

    python data_scripts/sbd.py                       # fetch, unpack, lay out, verify
    python data_scripts/sbd.py --from benchmark.tgz
    python data_scripts/sbd.py --check               # only verify
"""
import sys

from ssnet.sets import SETS, run_script


def main(arguments=None, sets=SETS):
    "Run the script; the exit status."
    return run_script(("sbd",), __doc__, arguments, sets)


if __name__ == "__main__":
    sys.exit(main())
