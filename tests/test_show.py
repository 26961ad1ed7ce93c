"Made from nbs/02_show.ipynb by tools/export.py: change the notebook, then `make export`."
from PIL import Image
from pathlib import Path
from ssnet.files import InputError
from ssnet.show import COLORS
from ssnet.show import IMAGENET_MEAN
from ssnet.show import IMAGENET_STD
from ssnet.show import denormalize
from ssnet.show import new_figure
from ssnet.show import save_figure
from ssnet.show import show_label_legend
from ssnet.show import show_pictures
from ssnet.show import to_picture
from torchvision import tv_tensors
import numpy as np
import pytest
import subprocess
import sys
import tempfile
import torch


def test_lines_take_the_house_colours_in_order():
    "nbs/02_show.ipynb, cell 11"
    figure, axis = new_figure()
    lines = [axis.plot([0, shift])[0].get_color() for shift in range(8)]
    assert lines == list(COLORS.values()) and len(set(lines)) == 8
    assert new_figure(6, 3, rows=2, columns=3)[1].shape == (2, 3)



def test_a_figure_is_written_as_a_png():
    "nbs/02_show.ipynb, cell 12"
    with tempfile.TemporaryDirectory() as folder:
        figure, axis = new_figure(2, 1)
        file = save_figure(figure, Path(folder) / "figures" / "a.png", dpi=50)
        assert Image.open(file).format == "PNG" and Image.open(file).size == (100, 50)



def test_the_import_leaves_matplotlib_alone():
    "nbs/02_show.ipynb, cell 13"
    code = "import sys, ssnet.show; print('matplotlib.pyplot' in sys.modules, 'seaborn' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == ["False", "False"]



def test_denormalize_undoes_the_normalisation():
    "nbs/02_show.ipynb, cell 16"
    picture = np.random.default_rng(0).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    p = torch.from_numpy(picture).permute(2, 0, 1) / 255
    x = torch.stack([(p[c] - IMAGENET_MEAN[c]) / IMAGENET_STD[c] for c in range(3)])
    assert (denormalize(x) == picture).all()
    assert denormalize(torch.zeros(3, 1, 1)).tolist() == [[[124, 116, 104]]]  # 0 is the mean: 255 · 0.485 = 123.7 …
    assert denormalize(torch.full((3, 1, 1), 9.0)).tolist() == [[[255, 255, 255]]]



def test_shape_and_type_tell_what_is_drawn():
    "nbs/02_show.ipynb, cell 19"
    picture = np.random.default_rng(0).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    tensor = torch.from_numpy(picture).permute(2, 0, 1)
    for x in (picture, Image.fromarray(picture), tensor, tv_tensors.Image(tensor)):
        assert (to_picture(x) == picture).all()
    label = np.array([[0, 15]], dtype=np.uint8)
    for x in (label, torch.from_numpy(label).long()): assert to_picture(x).tolist() == [[[0, 0, 0], [192, 128, 128]]]
    for x in (np.array([[0.0, 1.0]]), torch.tensor([[0.0, 1.0]]), np.array([[False, True]]), np.array([[-1.0, 2.0]])):
        assert to_picture(x).tolist() == [[[0, 0, 0], [255, 255, 255]]]



def test_what_cannot_be_drawn_is_an_input_error():
    "nbs/02_show.ipynb, cell 20"
    for x in (np.zeros((2, 2, 2)), torch.zeros(1, 3, 4, 4), np.zeros(3)):
        with pytest.raises(InputError, match="is nothing that can be drawn"): to_picture(x)



def test_pictures_fill_rows_and_columns():
    "nbs/02_show.ipynb, cell 25"
    figure = show_pictures([np.zeros((2, 3))] * 5, ["a", "b", "c", "d", "e"], columns=3)
    assert len(figure.axes) == 6
    assert [axis.get_title() for axis in figure.axes] == ["a", "b", "c", "d", "e", ""]
    assert [len(axis.images) for axis in figure.axes] == [1, 1, 1, 1, 1, 0]
    assert len(show_pictures([np.zeros((2, 3))]).axes) == 1
    with tempfile.TemporaryDirectory() as folder:
        show_pictures([np.zeros((2, 3))], path=Path(folder) / "a.png")
        assert Image.open(Path(folder) / "a.png").format == "PNG"
    with pytest.raises(InputError, match="no picture to show"): show_pictures([])



def test_the_legend_names_the_classes_that_occur():
    "nbs/02_show.ipynb, cell 30"
    figure = show_label_legend([np.array([[0, 8]]), torch.tensor([[8, 255]])])
    legend = figure.axes[0].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["background", "cat", "ignored"]
    assert tuple(round(255 * v) for v in legend.get_patches()[1].get_facecolor()[:3]) == (64, 0, 0)
