// The playground: pick a picture, let the network segment it here in the browser, drag v and watch S = Σ v_i H_i.
// All files come from the folder of this one. A picture of the visitor's never leaves the page.
import { aggregate, bestClass, count, normalise, resize, shares } from "./maths.js";

const LARGEST = 480;   // pixels of a picture's longer side, for display
const MATTERS = 0.01;  // a class with less than this v · share waits behind "Show all"
const here = name => new URL(name, import.meta.url).href;
const part = (name, within = document.getElementById("playground")) => within.querySelector(`[data-pg="${name}"]`);

// All that the page knows. Look around in the browser's console: playground.v, playground.H, playground.S
const state = { about: null, picture: null, truth: null, H: null, label: null, S: null, share: null,
                v: null, given: null, on: null, mark: { x: 0, y: 0 }, turn: 0 };
window.playground = state;

// ---- words ----

/** One sentence for everybody, screen readers too. */
function say(text, wrong = false) {
  part("status").textContent = text;
  part("status").classList.toggle("pg-wrong", wrong);
}

const percent = share => (share > 0 && share < 0.01 ? "under 1 %" : `${Math.round(100 * share)} %`);
const megabytes = bytes => `${Math.round(bytes / 1e6)} MB`;
const color = i => `rgb(${state.about.colors[i].join(" ")})`;

// ---- the network, in its worker ----

let worker, asked = 0, loaded = null; // `loaded` is a promise, made once
const waiting = new Map();

/** Ask the worker for something; fails with its sentence. */
function ask(what, data, transfer = []) {
  const id = ++asked;
  worker.postMessage({ id, what, ...data }, transfer);
  return new Promise((done, fail) => waiting.set(id, { done, fail }));
}

/** A worker that answers `ask`. */
function startWorker() {
  worker?.terminate();
  worker = new Worker(here("worker.js"), { type: "module" });
  worker.onmessage = ({ data: { id, result, error } }) => {
    const { done, fail } = waiting.get(id);
    waiting.delete(id);
    if (error) fail(new Error(error)); else done(result);
  };
  worker.onerror = () => waiting.forEach(({ fail }) => fail(new Error("its script did not start")));
}

/** Fetch the network at the first picture, not before. */
function network() {
  if (loaded) return loaded;
  say(`Loading the network (${megabytes(state.about.bytes)}, once) …`);
  startWorker();
  loaded = ask("load", { model: here("ssnet.onnx") }).catch(error => {
    loaded = null;
    throw new Error(`The network could not be loaded (${error.message}): reload the page to try again.`);
  });
  return loaded;
}

// ---- pictures ----

/** Decode a picture, upright, its colours as they are stored. */
async function decode(blob, name) {
  try {
    return await createImageBitmap(blob, { imageOrientation: "from-image", colorSpaceConversion: "none" });
  } catch {
    throw new Error(`“${name}” is no picture that this browser can read: choose a JPEG, PNG or WebP file.`);
  }
}

/** Its pixels, at most `largest` on the longer side; transparency becomes white. */
function pixels(bitmap, largest) {
  const scale = Math.min(1, largest / Math.max(bitmap.width, bitmap.height));
  const [width, height] = [bitmap.width, bitmap.height].map(side => Math.max(1, Math.round(side * scale)));
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  return context.getImageData(0, 0, width, height);
}

/** Four bytes a pixel to three. */
const withoutAlpha = data => data.filter((_, k) => k % 4 !== 3);

/** A sample's label mask: class numbers, kept in a grey PNG. */
async function readTruth(file) {
  const { data, width, height } = pixels(await decode(await fetchBlob(file), file), Infinity);
  return { label: data.filter((_, k) => k % 4 === 0), width, height };
}

async function fetchBlob(file) {
  const response = await fetch(here(file));
  if (!response.ok) throw new Error(`${file} could not be fetched (${response.status}): reload the page to try again.`);
  return response.blob();
}

// ---- the way of a picture ----

/** What the network says of a picture, into `state`. */
async function segment(picture) {
  const { size, mean, std, classes } = state.about;
  const image = normalise(resize(withoutAlpha(picture.data), picture.width, picture.height, size), mean, std);
  const { H, v, milliseconds } = await ask("run", { image, size }, [image.buffer]);
  return { picture, H, given: [...v], v: [...v], on: v.map(() => 1), share: shares(H, classes.length, size * size),
           label: bestClass(H, classes.length, size, picture.width, picture.height), milliseconds };
}

/** Show a picture and all that follows from it. A later call overtakes an earlier one. */
async function show(blob, name, truthFile = null) {
  const turn = ++state.turn;
  try {
    say("Reading the picture …");
    const picture = pixels(await decode(await blob, name), LARGEST);
    const truth = truthFile && await readTruth(truthFile);
    await network();
    if (turn !== state.turn) return;
    say("Segmenting …");
    const result = await segment(picture);
    if (turn !== state.turn) return;
    Object.assign(state, result, { truth });
    drawAll();
    say(`Segmented in ${Math.round(result.milliseconds)} ms, on this machine. The picture did not leave it.`
      + (truthFile || state.about.network ? "" : " This network knows drawings only: on photographs it is mostly wrong."));
  } catch (error) {
    if (turn === state.turn) say(error.message, true);
  }
}

const showSample = sample => show(fetchBlob(sample.picture), sample.alt, sample.truth);
const showOwn = file => { press(null); return show(file, file.name || "the picture"); };

// ---- drawing ----

/** Fill a canvas: `paint(pixel)` gives red, green, blue. */
function fill(canvas, width, height, paint) {
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d"), image = context.createImageData(width, height);
  for (let p = 0; p < width * height; p++) {
    const [red, green, blue] = paint(p);
    image.data.set([red, green, blue, 255], 4 * p);
  }
  context.putImageData(image, 0, 0);
}

/** A map of numbers in [0, 1] as grey. */
function drawGrey(canvas, map) {
  const { size } = state.about;
  fill(canvas, size, size, p => { const grey = Math.round(255 * map[p]); return [grey, grey, grey]; });
}

/** The picture, and over it 60 % of each label's colour; the background keeps its own. */
function drawOverlay(canvas, label, width, height) {
  const { data } = state.picture, { colors } = state.about;
  fill(canvas, width, height, p => [0, 1, 2].map(c =>
    label[p] ? 0.4 * data[4 * p + c] + 0.6 * colors[label[p]][c] : data[4 * p + c]));
}

/** One line of a legend. */
function legendItem(text, background) {
  const item = document.createElement("li"), swatch = document.createElement("span");
  swatch.className = "pg-swatch";
  swatch.style.backgroundColor = background;
  item.append(...(background ? [swatch] : []), text);
  return item;
}

/** The classes of a label mask with their colours, largest first; returns the same in words. */
function drawLegend(list, label) {
  const { classes } = state.about, found = count(label, classes.length);
  const words = i => `${classes[i]} ${percent(found[i])}`, foreground = found.map((_, i) => i).slice(1);
  const present = foreground.filter(i => found[i] >= MATTERS).sort((a, b) => found[b] - found[a]);
  const traces = found.slice(1).filter(share => share > 0 && share < MATTERS).length;
  const more = traces ? [`${traces} more, each under 1 %`] : present.length ? [] : ["background only"];
  list.replaceChildren(...present.map(i => legendItem(words(i), color(i))), ...more.map(text => legendItem(text)));
  return [...present.map(words), ...more].join(", ");
}

/** Segmentation, and truth where it is known. */
function drawLabels() {
  const { picture, label, truth } = state;
  drawOverlay(part("segmentation"), label, picture.width, picture.height);
  const found = drawLegend(part("legend"), label);
  part("segmentation").setAttribute("aria-label", `The picture with its segmentation: ${found}`);
  part("truth-figure").hidden = !truth;
  if (!truth) return;
  drawOverlay(part("truth"), truth.label, truth.width, truth.height);
  part("truth").setAttribute("aria-label", `The truth: ${drawLegend(part("truth-legend"), truth.label)}`);
}

/** S and its formula: all that follows when v changes. */
function drawSaliency() {
  const { size } = state.about, pixels = size * size;
  state.S = aggregate(state.v, state.on, state.H, pixels);
  drawGrey(part("saliency"), state.S);
  const mean = state.S.reduce((a, b) => a + b) / pixels;
  part("saliency-mean").textContent = `mean ${mean.toFixed(3)}`;
  part("saliency").setAttribute("aria-label", `Saliency map S, mean ${mean.toFixed(3)}`);
  drawFormula();
}

/** S = Σ v_i H_i at the mark, with its numbers: the terms of the first classes, and the rest together. */
function drawFormula() {
  const { classes, size } = state.about, { v, on, H, S, mark } = state, place = mark.y * size + mark.x;
  const first = rows.filter(r => !r.minor).slice(0, 3).map(r => r.i), others = classes.length - 1 - first.length;
  const factor = i => (on[i] ? v[i] : 0), at = i => H[i * size * size + place];
  const words = first.map(i => `${factor(i).toFixed(3)} · ${at(i).toFixed(2)} (${classes[i]})`);
  const rest = S[place] - first.reduce((sum, i) => sum + factor(i) * at(i), 0);
  if (others) words.push(`${Math.max(0, rest).toFixed(2)} (the other ${others})`);
  const whole = text => text.replaceAll(" ", "\u00a0"); // lines break between terms only
  part("formula").textContent = `${words.map(whole).join(" + ")} ${whole(`= ${S[place].toFixed(2)}`)}`;
  part("panels").style.setProperty("--pg-x", (mark.x + 0.5) / size);
  part("panels").style.setProperty("--pg-y", (mark.y + 0.5) / size);
}

/** Everything, for a new picture. */
function drawAll() {
  const { picture, truth } = state;
  part("result").hidden = false;
  part("result").classList.toggle("pg-known", Boolean(truth));
  part("result").style.setProperty("--pg-ratio", picture.width / picture.height);
  drawLabels();
  drawRows();
  markContest();
  drawSaliency();
}

// ---- one row for each class: H_i, v_i, a switch ----

let rows = [];

/** Rows, the class that gives most to S first; those that give little wait behind "Show all". */
function drawRows() {
  const { share, given } = state, term = i => given[i] * share[i];
  const order = share.map((_, i) => i).slice(1).sort((a, b) => term(b) - term(a));
  rows = order.map((i, place) => row(i, place > 1 && term(i) < MATTERS));
  part("rows").replaceChildren(...rows.map(r => r.item));
  const minor = rows.filter(r => r.minor).length;
  part("all").hidden = !minor;
  part("all").textContent = `Show all ${rows.length} classes`;
  showMinor(false);
}

/** The row of class i. */
function row(i, minor) {
  const { share, H } = state, { classes, size } = state.about, name = classes[i];
  const item = part("row").content.firstElementChild.cloneNode(true), get = name => part(name, item);
  get("name").textContent = name;
  get("swatch").style.backgroundColor = color(i);
  drawGrey(get("map"), H.subarray(i * size * size, (i + 1) * size * size));
  get("map").setAttribute("aria-label", `Probability map of ${name}: ${percent(share[i])} of the picture`);
  get("slider").setAttribute("aria-label", `v of ${name}`);
  get("switch").setAttribute("aria-label", `${name} in S`);
  get("slider").addEventListener("input", () => change(i, "v", get("slider").valueAsNumber));
  get("switch").addEventListener("change", () => change(i, "on", get("switch").checked ? 1 : 0));
  const made = { i, item, minor, get };
  update(made);
  return made;
}

/** Put the numbers of `state` into a row. */
function update({ i, item, get }) {
  const { v, on, share } = state;
  get("slider").value = v[i];
  get("number").textContent = v[i].toFixed(3);
  get("switch").checked = Boolean(on[i]);
  item.classList.toggle("pg-off", !on[i]);
  get("term").textContent = on[i]
    ? `${v[i].toFixed(3)} · ${share[i].toFixed(3)} = ${(v[i] * share[i]).toFixed(3)}` : "left out of the sum";
}

/** The visitor moves a slider or a switch: S follows at once. */
function change(i, what, value) {
  state[what][i] = value;
  update(rows.find(r => r.i === i));
  drawSaliency();
}

/** Back to what the network says. */
function reset() {
  state.v = [...state.given];
  state.on = state.on.map(() => 1);
  rows.forEach(update);
  drawSaliency();
}

/** Show or hide the classes that give little. */
function showMinor(visible) {
  for (const r of rows) r.item.hidden = r.minor && !visible;
  part("all").setAttribute("aria-expanded", visible);
}

// ---- the mark: the pixel that the formula is for ----

/** Put the mark where the first two classes both have a say: where the product of their maps is largest. */
function markContest() {
  const { size } = state.about, pixels = size * size, [first, second] = rows.map(r => r.i * pixels);
  const both = p => state.H[first + p] * (second === undefined ? 1 : state.H[second + p]);
  let best = 0;
  for (let p = 1; p < pixels; p++) if (both(p) > both(best)) best = p;
  state.mark = { x: best % size, y: Math.floor(best / size) };
}

/** Put the mark at a pixel of the maps, or at the edge. */
function moveMark(x, y) {
  const inside = k => Math.min(state.about.size - 1, Math.max(0, k));
  state.mark = { x: inside(x), y: inside(y) };
  drawFormula();
}

function markByPointer(event) {
  const { size } = state.about, box = event.target.getBoundingClientRect();
  if (event.target.localName !== "canvas") return;
  moveMark(Math.floor((event.clientX - box.left) / box.width * size),
    Math.floor((event.clientY - box.top) / box.height * size));
}

function markByKey(event) {
  const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  if (!step) return;
  event.preventDefault();
  moveMark(state.mark.x + step[0], state.mark.y + step[1]);
}

// ---- choosing a picture ----

/** Which sample is shown, if any. */
function press(button) {
  for (const b of part("samples").children) b.setAttribute("aria-pressed", b === button);
}

function sampleButton(sample) {
  const button = document.createElement("button"), picture = new Image();
  button.type = "button";
  picture.src = here(sample.picture);
  picture.alt = `${sample.alt}${sample.seen ? "" : " (a drawing that the network was not trained on)"}`;
  button.title = picture.alt;
  button.className = sample.seen ? "pg-sample" : "pg-sample pg-unseen";
  button.append(picture);
  button.addEventListener("click", () => { press(button); showSample(sample); });
  return button;
}

/** The visitor's own picture: from a file, from the camera, dropped, or pasted. */
function takeOwnPictures() {
  const zone = document.getElementById("playground"), first = files => files[0] && showOwn(files[0]);
  for (const input of zone.querySelectorAll("input[type=file]"))
    input.addEventListener("change", () => { first(input.files); input.value = ""; });
  document.addEventListener("paste", event => first(event.clipboardData.files));
  zone.addEventListener("dragover", event => { event.preventDefault(); zone.classList.add("pg-over"); });
  zone.addEventListener("dragleave", () => zone.classList.remove("pg-over"));
  zone.addEventListener("drop", event => {
    event.preventDefault();
    zone.classList.remove("pg-over");
    if (!first(event.dataTransfer.files)) say("That was no file: save the picture, then drop the file here.", true);
  });
}

/** Buttons, mouse and keys. */
function listen() {
  takeOwnPictures();
  part("reset").addEventListener("click", reset);
  part("all").addEventListener("click", () => showMinor(part("all").getAttribute("aria-expanded") !== "true"));
  part("panels").addEventListener("pointerdown", markByPointer);
  part("panels").addEventListener("keydown", markByKey);
}

/** Where it begins. A visitor who saves data chooses a picture first; for others the first sample is there at once. */
async function start() {
  if (typeof WebAssembly !== "object")
    return say("This browser has no WebAssembly, which the network needs to run here.", true);
  try {
    state.about = JSON.parse(await (await fetchBlob("about.json")).text());
  } catch (error) {
    return say(error.message, true);
  }
  part("samples").append(...state.about.samples.map(sampleButton));
  const { network } = state.about;
  if (network) part("other").textContent = `Here runs ${network}; the words below are about the package's own network.`;
  part("app").hidden = false;
  listen();
  say(`Choose a picture. The network (${megabytes(state.about.bytes)}) is loaded with the first one.`);
  if (state.about.samples.length && !navigator.connection?.saveData) part("samples").firstElementChild.click();
}

start();
