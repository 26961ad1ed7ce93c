// The arithmetic of the playground: plain functions of arrays, nothing of the page.
// Pictures are RGB, three bytes a pixel, row by row. Maps are planes of size × size numbers, row by row.

/** For each of `to` places along a line of `from` pixels: the first pixel that counts, and the weights. */
function taps(from, to) {
  const scale = from / to, reach = Math.max(scale, 1);
  return Array.from({ length: to }, (_, i) => {
    const middle = (i + 0.5) * scale;
    const first = Math.max(0, Math.floor(middle - reach + 0.5));
    const end = Math.min(from, Math.floor(middle + reach + 0.5));
    const weights = [];
    for (let k = first; k < end; k++) weights.push(Math.max(0, 1 - Math.abs(k + 0.5 - middle) / reach));
    const sum = weights.reduce((a, b) => a + b);
    return { first, weights: weights.map(w => w / sum) };
  });
}

/** Resize along one direction: `lines` lines of places, `step` and `stride` say where the next place and line are. */
function resizeLines(from, result, places, lines, step, stride) {
  for (let line = 0; line < lines; line++) {
    for (let i = 0; i < places.length; i++) {
      const { first, weights } = places[i];
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        const begin = line * stride.from + first * step.from + c;
        for (let k = 0; k < weights.length; k++) sum += weights[k] * from[begin + k * step.from];
        result[line * stride.to + i * step.to + c] = Math.floor(sum + 0.5);
      }
    }
  }
  return result;
}

/** Bilinear with antialiasing, as torchvision and Pillow do it: across, then down, rounded after each. */
export function resize(rgb, width, height, size) {
  const across = resizeLines(rgb, new Uint8Array(height * size * 3), taps(width, size), height,
    { from: 3, to: 3 }, { from: width * 3, to: size * 3 });
  return resizeLines(across, new Uint8Array(size * size * 3), taps(height, size), size,
    { from: size * 3, to: size * 3 }, { from: 3, to: 3 });
}

/** What the network reads: `(3, size, size)`, (colour / 255 − mean) / std. */
export function normalise(rgb, mean, std) {
  const pixels = rgb.length / 3, result = new Float32Array(rgb.length);
  for (let c = 0; c < 3; c++)
    for (let p = 0; p < pixels; p++) result[c * pixels + p] = (rgb[p * 3 + c] / 255 - mean[c]) / std[c];
  return result;
}

/** S = Σ v_i H_i over the foreground classes that are switched on. H: `(classes, pixels)`; class 0 is background. */
export function aggregate(v, on, H, pixels) {
  const S = new Float32Array(pixels);
  for (let i = 1; i < v.length; i++)
    if (on[i]) for (let p = 0; p < pixels; p++) S[p] += v[i] * H[i * pixels + p];
  return S;
}

/** The mean of each class's map: the share of the picture that the network gives to it. */
export function shares(H, classes, pixels) {
  const mean = map => map.reduce((a, b) => a + b) / pixels;
  return Array.from({ length: classes }, (_, i) => mean(H.subarray(i * pixels, (i + 1) * pixels)));
}

/** For each of `to` places: the two of `from` places that it lies between, and how far it is from the first. */
function between(from, to) {
  return Array.from({ length: to }, (_, i) => {
    const x = Math.max(0, (i + 0.5) * from / to - 0.5), low = Math.floor(x);
    return { low, high: Math.min(low + 1, from - 1), t: x - low };
  });
}

/** The most probable class at each pixel of the enlarged maps. */
export function bestClass(H, classes, size, width, height) {
  const best = new Float32Array(width * height), label = new Uint8Array(width * height);
  const across = between(size, width), down = between(size, height);
  for (let i = 0; i < classes; i++) {
    for (let y = 0; y < height; y++) {
      const top = (i * size + down[y].low) * size, bottom = (i * size + down[y].high) * size;
      for (let x = 0; x < width; x++) {
        const { low, high, t } = across[x];
        const a = H[top + low] * (1 - t) + H[top + high] * t, b = H[bottom + low] * (1 - t) + H[bottom + high] * t;
        const value = a + (b - a) * down[y].t, p = y * width + x;
        if (value > best[p]) { best[p] = value; label[p] = i; }
      }
    }
  }
  return label;
}

/** How much of a label mask each class has, in [0, 1]. */
export function count(label, classes) {
  const found = new Array(classes).fill(0);
  for (const i of label) found[i] += 1 / label.length;
  return found;
}
