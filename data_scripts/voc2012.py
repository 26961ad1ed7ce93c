"""PASCAL VOC 2012, train and val: pictures with tags and label masks, in data/VOCdevkit/VOC2012.

    python data_scripts/voc2012.py                                     # fetch (2 GB), unpack, lay out, verify
    python data_scripts/voc2012.py --from VOCtrainval_11-May-2012.tar
    python data_scripts/voc2012.py --check                             # only verify
"""
import sys

from ssnet.sets import SETS, run_script


def main(arguments=None, sets=SETS):
    "Run the script; the exit status."
    return run_script(("voc2012",), __doc__, arguments, sets)


if __name__ == "__main__":
    sys.exit(main())
