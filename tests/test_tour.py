"Made from nbs/36_tour.ipynb by tools/export.py: change the notebook, then `make export`."
from PIL import Image
from ssnet.files import InputError
from ssnet.labels import tags_to_names
from ssnet.sam import aggregate_loop
from ssnet.tour import FEW
from ssnet.tour import PLAIN
from ssnet.tour import SHADES
from ssnet.tour import TRUE
from ssnet.tour import draw
from ssnet.tour import first_stops
from ssnet.tour import ink
from ssnet.tour import inks
from ssnet.tour import last_stops
from ssnet.tour import tour
from ssnet.tour import walk
import contextlib
import io
import numpy as np
import os
import pytest
import re
import tempfile
import torch


def walked(how=PLAIN, columns=80, lines=24):
    "What a tour says, as lines, and how often it waits."
    said, waits = io.StringIO(), []
    with contextlib.redirect_stdout(said): tour(None, how, os.terminal_size((columns, lines)), lambda: waits.append(1))
    return said.getvalue().splitlines(), len(waits)


def test_a_walk_holds_the_tensors_of_the_network():
    "nbs/36_tour.ipynb, cell 10"
    seen = walk()
    assert seen.image.shape == (3, 96, 96) and seen.H.shape == (21, 96, 96) and len(seen.v) == len(seen.classes) == 21
    assert torch.allclose(seen.H.sum(0), torch.ones(96, 96), atol=1e-5)
    assert torch.allclose(seen.S, aggregate_loop(seen.v[None], seen.H[None])[0], atol=1e-5)
    assert tags_to_names(seen.tags) == ["bus", "dog"]
    with tempfile.TemporaryDirectory() as folder:
        Image.new("RGB", (40, 70), "red").save(f"{folder}/own.png")
        own = walk(f"{folder}/own.png")
        assert own.tags is None and own.image.shape == (3, 96, 96)
        with pytest.raises(InputError, match="none.png"): walk(f"{folder}/none.png")



def test_the_terminal_decides_what_is_drawn_with():
    "nbs/36_tour.ipynb, cell 14"
    assert inks(True, {"TERM": "xterm", "COLORTERM": "truecolor"}) == TRUE
    assert inks(True, {"TERM": "xterm-256color"}) == FEW
    assert inks(True, {}) == inks(True, {"TERM": "dumb"}) == inks(False, {"TERM": "xterm"}) == PLAIN
    assert inks(True, {"TERM": "xterm", "COLORTERM": "truecolor", "NO_COLOR": "1"}) == PLAIN
    assert ink(np.array([255, 0, 51]), TRUE) == "2;255;0;51" and ink(np.array([255, 0, 51]), FEW) == f"5;{16 + 36 * 5 + 1}"



def test_upper_and_lower_pixels_stand_in_one_place():
    "nbs/36_tour.ipynb, cell 15"
    two = np.zeros((2, 2, 3), np.uint8)
    two[0, :, 0] = 255                                  # red above black
    assert draw(two, 2, TRUE) == ["\x1b[38;2;255;0;0;48;2;0;0;0m▀" * 2 + "\x1b[0m"]
    ramp = torch.linspace(0, 1, 10).expand(10, 10)
    assert draw(ramp, 10, PLAIN) == [SHADES] * 5
    assert draw(0.45 * ramp, 10, PLAIN)[0][-1] == "="      # a map keeps its values …
    dim = np.full((4, 4, 3), 100, np.uint8)
    dim[:2] = 120
    assert draw(dim, 4, PLAIN) == ["@@@@", "    "]      # … a picture is stretched



def test_the_words_name_the_shapes_of_the_tensors():
    "nbs/36_tour.ipynb, cell 19"
    seen = walk()
    texts = {title: text for title, text, _ in first_stops(seen) + last_stops(seen)}
    named = {title: re.findall(r"\d+(?:×\d+)+", text) for title, text in texts.items()}
    assert named["The picture"] == ["3×96×96"] and named["The label"] == named["S = Σ v_i H_i"] == ["96×96"]
    assert named["The features"] == ["×".join(map(str, seen.features.shape))]
    assert named["The logits"] == ["×".join(map(str, seen.coarse.shape))] and named["H and v"] == ["21×96×96"]
    assert "bus, dog" in texts["The picture"] and "has none" in first_stops(seen._replace(tags=None))[0][1]



def test_the_S_that_is_shown_is_the_sum():
    "nbs/36_tour.ipynb, cell 20"
    seen = walk()
    text, shown = next((text, pictures[0][1]) for title, text, pictures in last_stops(seen) if title[0] == "S")
    assert torch.allclose(shown, aggregate_loop(seen.v[None], seen.H[None])[0], atol=1e-5)
    a, b, c, d, rest, total = map(float, re.findall(r"\d\.\d\d", text))
    assert abs(a * b + c * d + rest - total) < 0.02 and (shown - total).abs().min() < 0.006



def test_it_fits_the_terminal_and_waits_between_stops():
    "nbs/36_tour.ipynb, cell 25"
    for columns, lines in ((80, 24), (120, 50), (60, 20)):
        said, waits = walked(PLAIN, columns, lines)
        assert waits == 5 and max(map(len, said)) <= max(columns, 80) and not any("\x1b" in line for line in said)
        starts = [i for i, line in enumerate(said) if re.match(r"\d/6  ", line)]
        assert len(starts) == 6 and (columns < 80 or max(b - a for a, b in zip(starts, starts[1:])) < lines)
    for how, code in ((TRUE, "\x1b[38;2;"), (FEW, "\x1b[38;5;")):
        said = walked(how)[0]
        assert any(code in line for line in said) and all(line.endswith("\x1b[0m") for line in said if "\x1b" in line)
        assert max(len(re.sub(r"\x1b\[[\d;]*m", "", line)) for line in said) <= 80
