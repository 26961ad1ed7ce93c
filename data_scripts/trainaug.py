"""trainaug: VOC's train and SBD without VOC's val, a list of 10,582 names and their masks, in VOC's folder.

    python data_scripts/trainaug.py                                # fetch VOC and SBD where they are missing
    python data_scripts/trainaug.py --from VOCtrainval_11-May-2012.tar benchmark.tgz
    python data_scripts/trainaug.py --check                        # only verify
"""
import sys

from ssnet.sets import SETS, run_script


def main(arguments=None, sets=SETS):
    "Run the script; the exit status."
    return run_script(("trainaug",), __doc__, arguments, sets)


if __name__ == "__main__":
    sys.exit(main())
