"""HKU-IS: 4,447 pictures with saliency masks to test on, in data/HKU-IS. No stable address: bring your own copy.

    python data_scripts/hku_is.py                # say so
    python data_scripts/hku_is.py --from HKU-IS  # a folder with imgs and gt, or a .zip of it
    python data_scripts/hku_is.py --check        # only verify
"""
import sys

from ssnet.sets import SETS, run_script


def main(arguments=None, sets=SETS):
    "Run the script; the exit status."
    return run_script(("hku-is",), __doc__, arguments, sets)


if __name__ == "__main__":
    sys.exit(main())
