"The figure of the home page: one picture through the network of the package, as S = Σ v_i H_i."
from pathlib import Path

import numpy as np
from PIL import Image

from ssnet.show import denormalize
from ssnet.tour import most, walk

BLUE, ORANGE, WHITE = (86, 180, 233), (230, 159, 0), (255, 255, 255)


def tinted(x, color):
    "A map in [0, 1] as a picture from black to `color`."
    return (np.asarray(x)[..., None] * np.array(color)).round().astype(np.uint8)


def hero(
    folder: Path,  # for the pictures; made if it is not there
) -> dict:         # what pages/home.md must know: names and scores of the two classes
    "Write the five pictures; Raises `InputError` without the packages of ssnet[demo]."
    seen = walk()
    one, two = most(seen)
    picture, label = denormalize(seen.image), seen.H.argmax(0).numpy()
    chosen = picture // 3
    for k, color in ((one, BLUE), (two, ORANGE)):
        chosen[label == k] = picture[label == k] // 3 + np.array(color) * 2 // 3
    tiles = {"picture": picture, "one": tinted(seen.H[one], BLUE), "two": tinted(seen.H[two], ORANGE),
             "S": tinted(seen.S, WHITE), "label": chosen}
    folder.mkdir(parents=True, exist_ok=True)
    for name, tile in tiles.items():
        Image.fromarray(tile).resize((256, 256), Image.Resampling.BICUBIC).save(folder / f"{name}.webp", quality=80)
    names, scores = seen.classes, seen.v.tolist()
    return {"one": names[one], "two": names[two], "v_one": f"{scores[one]:.2f}", "v_two": f"{scores[two]:.2f}"}
