"Made from nbs/00_files.ipynb by tools/export.py: change the notebook, then `make export`."
from PIL import Image
from pathlib import Path
from ssnet.files import InputError
from ssnet.files import check_folder
from ssnet.files import clear_parts
from ssnet.files import load_image
from ssnet.files import picture_paths
from ssnet.files import read_picture
from ssnet.files import to_rgb
from ssnet.files import write_picture
from ssnet.files import write_whole
from unittest.mock import patch
import errno
import numpy as np
import os
import pytest
import subprocess
import sys
import tempfile
import warnings


def on_a_small_disk(code, folder):
    "Run `code` in `folder`, in a process that can write at most 1,000 bytes to a file."
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
    start = "from ssnet.files import write_whole\n"
    return subprocess.run([sys.executable, "-c", start + limit + code], cwd=folder, capture_output=True, text=True)


def card():
    "The upright card, uint8 RGB `(40, 60, 3)`: red at the top left, blue at the bottom right."
    picture = np.full((40, 60, 3), (240, 220, 80), dtype=np.uint8)
    picture[:20, :20], picture[20:, 40:] = (200, 30, 30), (30, 60, 200)
    return picture


def store_cards(folder):
    "The card in six ways; the transparent ones lack their right half. Returns a dict from the way to its file."
    image = Image.fromarray(card())
    see_through = image.copy()
    see_through.putalpha(Image.fromarray(np.where(np.arange(60) < 30, 255, 0).astype(np.uint8)[None].repeat(40, 0)))
    palette = Image.fromarray(np.where(np.arange(60) < 30, 1, 0).astype(np.uint8)[None].repeat(40, 0))
    palette.putpalette([0, 0, 0, 200, 30, 30])
    turned, exif = Image.fromarray(np.rot90(card()).copy()), Image.Exif()
    exif[0x0112] = 6  # "turn me 90° clockwise to show me"
    sixteen = Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)
    ways = {"grey": (image.convert("L"), "grey.png", {}), "RGBA": (see_through, "rgba.png", {}),
            "palette": (palette, "palette.png", {"transparency": 0}), "16-bit": (sixteen, "sixteen.png", {}),
            "CMYK": (image.convert("CMYK"), "cmyk.jpg", {"quality": 95}),
            "EXIF": (turned, "turned.png", {"exif": exif})}
    for stored, name, options in ways.values(): stored.save(Path(folder) / name, **options)
    return {way: Path(folder) / name for way, (_, name, _) in ways.items()}


def test_an_input_error_is_a_value_error():
    "nbs/00_files.ipynb, cell 7"
    with pytest.raises(ValueError, match="no such split"):
        raise InputError("There is no such split.")



def test_a_file_is_written_whole_and_replaces_the_old_one():
    "nbs/00_files.ipynb, cell 15"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "new folder" / "a.bin"
        assert write_whole(file, b"one") == file and file.read_bytes() == b"one"
        write_whole(file, b"two")
        assert file.read_bytes() == b"two"
        assert [p.name for p in file.parent.iterdir()] == ["a.bin"]



def test_a_reader_of_the_old_file_keeps_it_to_the_end():
    "nbs/00_files.ipynb, cell 16"
    with tempfile.TemporaryDirectory() as folder:
        file = write_whole(Path(folder) / "a.bin", b"the old file")
        with open(file, "rb", buffering=0) as reader:
            start = reader.read(4)
            write_whole(file, b"THE NEW FILE")
            assert start + reader.read() == b"the old file"
        assert file.read_bytes() == b"THE NEW FILE"



def test_a_full_disk_leaves_the_old_file_and_nothing_half_written():
    "nbs/00_files.ipynb, cell 17"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "a.bin"
        file.write_bytes(b"old" * 100)
        done = on_a_small_disk("write_whole('a.bin', bytes(2000))", folder)
        assert done.returncode != 0
        assert "InputError: a.bin could not be written" in done.stderr and "nothing was changed" in done.stderr
        assert file.read_bytes() == b"old" * 100
        assert [p.name for p in Path(folder).iterdir()] == ["a.bin"]
        assert on_a_small_disk("write_whole('b.bin', bytes(900))", folder).returncode == 0



def test_a_full_disk_is_called_by_its_name():
    "nbs/00_files.ipynb, cell 18"
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with tempfile.TemporaryDirectory() as folder, patch("os.fsync", side_effect=full):
        reason = os.strerror(errno.ENOSPC)
        with pytest.raises(InputError, match=f"a.bin could not be written: {reason}; nothing was changed"):
            write_whole(Path(folder) / "a.bin", b"data")
        assert list(Path(folder).iterdir()) == []



def test_a_folder_that_is_a_file_is_an_input_error():
    "nbs/00_files.ipynb, cell 19"
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "notes").write_text("a file")
        with pytest.raises(InputError, match="a.bin could not be written"):
            write_whole(Path(folder) / "notes" / "a.bin", b"data")



def test_what_a_killed_process_left_is_cleared_and_the_rest_stays():
    "nbs/00_files.ipynb, cell 22"
    code = "import os; from ssnet.files import write_whole\n" \
           "os.fsync = lambda number: os.kill(os.getpid(), 9)\nwrite_whole('a.bin', b'half')"
    with tempfile.TemporaryDirectory() as folder:
        assert subprocess.run([sys.executable, "-c", code], cwd=folder).returncode == -9
        part, = Path(folder).iterdir()  # only the hidden file is there
        for name in ("a.bin", "b.zip.part", ".hidden"): os.utime(write_whole(Path(folder) / name, b""), (0, 0))
        clear_parts(folder)
        assert part.exists()            # it is young
        os.utime(part, (0, 0))          # as of 1970
        clear_parts(folder)
        assert sorted(p.name for p in Path(folder).iterdir()) == [".hidden", "a.bin", "b.zip.part"]
        clear_parts(Path(folder) / "none")



def test_a_broken_file_is_named():
    "nbs/00_files.ipynb, cell 28"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "photo.jpg"
        noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(noise).save(file)
        file.write_bytes(file.read_bytes()[:-2000])
        with pytest.raises(InputError, match=r"photo.jpg cannot be read \(.*truncated.*\): fetch it again"):
            load_image(file)



def test_a_text_called_jpg_and_a_missing_file_are_named():
    "nbs/00_files.ipynb, cell 29"
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "text.jpg").write_text("This is no picture.")
        with pytest.raises(InputError, match="text.jpg is not a picture"): load_image(Path(folder) / "text.jpg")
        with pytest.raises(InputError, match="There is no picture .*none.jpg"): load_image(Path(folder) / "none.jpg")



def test_a_monstrous_picture_is_refused():
    "nbs/00_files.ipynb, cell 30"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "monster.pgm"
        file.write_bytes(b"P5 14000 14000 255\n")  # 196 million pixels, says the header
        with pytest.raises(InputError, match="monster.pgm has more than 178,956,970 pixels"): load_image(file)



def test_grey_and_cmyk_keep_their_colours():
    "nbs/00_files.ipynb, cell 35"
    with tempfile.TemporaryDirectory() as folder:
        files = store_cards(folder)
        grey = np.asarray(read_picture(files["grey"]))
        assert grey.shape == (40, 60, 3) and (grey == grey[..., :1]).all()
        cmyk = np.asarray(read_picture(files["CMYK"])).astype(int)
        for y, x in ((8, 8), (8, 44), (32, 52)):  # in the middle of JPEG's blocks
            assert abs(cmyk[y, x] - card()[y, x]).max() < 20



def test_transparent_pixels_become_white():
    "nbs/00_files.ipynb, cell 36"
    with tempfile.TemporaryDirectory() as folder:
        files = store_cards(folder)
        rgba, palette = (np.asarray(read_picture(files[way])) for way in ("RGBA", "palette"))
        assert (rgba[:, 30:] == 255).all() and (rgba[:, :30] == card()[:, :30]).all()
        assert (palette[:, 30:] == 255).all() and (palette[:, :30] == (200, 30, 30)).all()
        half = to_rgb(Image.new("RGBA", (1, 1), (0, 0, 0, 128)))
        assert half.getpixel((0, 0)) == (127, 127, 127)



def test_sixteen_bits_are_scaled_to_eight():
    "nbs/00_files.ipynb, cell 37"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "x-ray.png"
        Image.fromarray(np.array([[0, 128 * 257, 65535]], dtype=np.uint16)).save(file)
        assert Image.open(file).mode == "I;16"
        assert np.asarray(read_picture(file))[0, :, 0].tolist() == [0, 128, 255]



def test_exif_turns_the_picture_upright():
    "nbs/00_files.ipynb, cell 38"
    with tempfile.TemporaryDirectory() as folder:
        file = store_cards(folder)["EXIF"]
        assert Image.open(file).size == (40, 60)
        assert (np.asarray(read_picture(file)) == card()).all()



def test_forty_megapixels_are_read_without_a_warning():
    "nbs/00_files.ipynb, cell 39"
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("error")
        file = Path(folder) / "large.png"
        Image.new("L", (8000, 5000), 90).save(file, compress_level=1)
        assert read_picture(file).size == (8000, 5000)



def test_decimal_numbers_are_refused():
    "nbs/00_files.ipynb, cell 40"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "depth.tif"
        Image.fromarray(np.ones((4, 4), dtype=np.float32)).save(file)
        with pytest.raises(InputError, match="depth.tif holds decimal numbers"): read_picture(file)



def test_a_png_comes_back_as_it_was():
    "nbs/00_files.ipynb, cell 43"
    with tempfile.TemporaryDirectory() as folder:
        file = write_picture(Path(folder) / "card.png", card())
        assert (np.asarray(read_picture(file)) == card()).all()
        write_picture(Path(folder) / "card.jpg", card())
        assert Image.open(Path(folder) / "card.jpg").format == "JPEG"
        with pytest.raises(InputError, match="card.doc has no suffix of a picture"):
            write_picture(Path(folder) / "card.doc", card())



def test_a_file_a_folder_and_a_pattern_are_found():
    "nbs/00_files.ipynb, cell 46"
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for name in ("b.png", "a.JPG", "[1].png", "notes.txt", ".hidden.png"): (folder / name).write_bytes(b"")
        assert [p.name for p in picture_paths(folder)] == ["[1].png", "a.JPG", "b.png"]
        assert picture_paths(folder / "b.png") == [folder / "b.png"]
        assert picture_paths(folder / "[1].png") == [folder / "[1].png"]  # a name, though it looks like a pattern
        assert [p.name for p in picture_paths(f"{folder}/?.*")] == ["a.JPG", "b.png"]



def test_nothing_found_is_an_input_error():
    "nbs/00_files.ipynb, cell 47"
    with tempfile.TemporaryDirectory() as folder:
        with pytest.raises(InputError, match="holds no .jpg"): picture_paths(folder)
        with pytest.raises(InputError, match="No picture is found at .*none"): picture_paths(Path(folder) / "none")
        with pytest.raises(InputError, match="There is no mask folder .*none: check the path"):
            check_folder(Path(folder) / "none", "mask")
