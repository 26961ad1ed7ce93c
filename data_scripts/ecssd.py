"""ECSSD: 1,000 pictures with saliency masks to test on, in data/ECSSD.

    python data_scripts/ecssd.py                                          # fetch, unpack, lay out, verify
    python data_scripts/ecssd.py --from images.zip ground_truth_mask.zip
    python data_scripts/ecssd.py --check                                  # only verify
"""
import sys

from ssnet.sets import SETS, run_script


def main(arguments=None, sets=SETS):
    "Run the script; the exit status."
    return run_script(("ecssd",), __doc__, arguments, sets)


if __name__ == "__main__":
    sys.exit(main())
