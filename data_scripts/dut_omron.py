"""DUT-OMRON: 5,168 pictures with saliency masks to test on, in data/DUT-OMRON.

    python data_scripts/dut_omron.py                             # fetch, unpack, lay out, verify
    python data_scripts/dut_omron.py --from FOLDER_OR_ARCHIVES   # the files you have, named as they came
    python data_scripts/dut_omron.py --check                     # only verify
"""
import sys

from ssnet.sets import SETS, run_script


def main(arguments=None, sets=SETS):
    "Run the script; the exit status."
    return run_script(("dut-omron",), __doc__, arguments, sets)


if __name__ == "__main__":
    sys.exit(main())
