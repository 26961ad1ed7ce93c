"""DUTS: pictures with saliency masks, 10,553 to train on and 5,019 to test on, in data/DUTS-TR and data/DUTS-TE.

    python data_scripts/duts.py                                 # fetch, unpack, lay out, verify
    python data_scripts/duts.py --from DUTS-TR.zip DUTS-TE.zip
    python data_scripts/duts.py --check                         # only verify
"""
import sys

from ssnet.sets import SETS, run_script


def main(arguments=None, sets=SETS):
    "Run the script; the exit status."
    return run_script(("duts-tr", "duts-te"), __doc__, arguments, sets)


if __name__ == "__main__":
    sys.exit(main())
