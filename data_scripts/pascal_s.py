"""PASCAL-S: 850 pictures with saliency masks to test on, in data/PASCAL-S. Its masks are grey: cut at half when read.

    python data_scripts/pascal_s.py                    # fetch, unpack, lay out, verify
    python data_scripts/pascal_s.py --from salObj.zip
    python data_scripts/pascal_s.py --check            # only verify
"""
import sys

from ssnet.sets import SETS, run_script


def main(arguments=None, sets=SETS):
    "Run the script; the exit status."
    return run_script(("pascal-s",), __doc__, arguments, sets)


if __name__ == "__main__":
    sys.exit(main())
