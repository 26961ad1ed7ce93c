"""What the paper trains and validates on: trainaug (VOC 2012 and SBD), DUTS and ECSSD.

    python data_scripts/paper.py                            # fetch, unpack, lay out, verify
    python data_scripts/paper.py --from FOLDER_OR_ARCHIVE … # with the files that you have
    python data_scripts/paper.py --check                    # only verify
"""
import sys

from ssnet.sets import SETS, run_script


def main(arguments=None, sets=SETS):
    "Run the script; the exit status."
    return run_script(("voc2012", "sbd", "trainaug", "duts-tr", "ecssd"), __doc__, arguments, sets)


if __name__ == "__main__":
    sys.exit(main())
