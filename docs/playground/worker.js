// The network, in a thread of its own so that the page stays awake. Both files lie beside this one.
import * as ort from "./ort.wasm.bundle.min.mjs";

ort.env.wasm.numThreads = 1; // several threads need headers that a plain web server does not send

let session;

/** Fetch the network and get it ready. */
async function load({ model }) {
  session = await ort.InferenceSession.create(model, { executionProviders: ["wasm"] });
  return {};
}

/** Run it on one normalised picture `(3, size, size)`: H `(classes, size, size)`, v `(classes,)`. */
async function run({ image, size }) {
  const begin = performance.now();
  const result = await session.run({ image: new ort.Tensor("float32", image, [1, 3, size, size]) });
  return { H: result.probs.data, v: result.v.data, milliseconds: performance.now() - begin };
}

self.onmessage = async ({ data }) => {
  try {
    self.postMessage({ id: data.id, result: await { load, run }[data.what](data) });
  } catch (error) {
    self.postMessage({ id: data.id, error: String(error?.message ?? error) });
  }
};
