"""SOD: 300 pictures with saliency masks to test on, in data/SOD. No stable address: bring your own copy.

    python data_scripts/sod.py             # say so
    python data_scripts/sod.py --from SOD  # a folder with pictures and PNG masks, or a .zip of it
    python data_scripts/sod.py --check     # only verify
"""
import sys

from ssnet.sets import SETS, run_script


def main(arguments=None, sets=SETS):
    "Run the script; the exit status."
    return run_script(("sod",), __doc__, arguments, sets)


if __name__ == "__main__":
    sys.exit(main())
