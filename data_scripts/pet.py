"""Oxford-IIIT Pet: cats and dogs with tags, label masks and saliency masks, in data/pet, ready for `ssnet train`.

    python data_scripts/pet.py                                          # fetch (0.8 GB), unpack, lay out, verify
    python data_scripts/pet.py --from images.tar.gz annotations.tar.gz
    python data_scripts/pet.py --check                                  # only verify
"""
import sys

from ssnet.sets import SETS, run_script


def main(arguments=None, sets=SETS):
    "Run the script; the exit status."
    return run_script(("pet",), __doc__, arguments, sets)


if __name__ == "__main__":
    sys.exit(main())
