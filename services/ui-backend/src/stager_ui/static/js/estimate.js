// How much a transfer will move and whether there is room for it, shown in the preview while it is counted.
import { count, size } from "./formats.js";
import { ask } from "./server.js";
import { t } from "./texts.js";

/**
 * Count and show until everything is counted or nobody wants to know any more.
 *
 * @param {HTMLFormElement} form The preview's form.
 * @param {AbortSignal} signal Ends it.
 */
export async function estimate(form, signal) {
  const box = form.querySelector(".estimate");
  const folders = new Map([...form.querySelectorAll("[data-folder]")].map((cell) => [cell.dataset.folder, cell]));
  const wanted = new FormData();
  for (const name of ["direction", "source", "destination"]) wanted.set(name, form.elements[name].value);
  for (const name of folders.keys()) wanted.append("name", name);
  const shown = new Shown(box, folders);
  try {
    const answer = await ask(form.dataset.estimate, { form: wanted, signal });
    for await (const line of linesOf(answer.body)) shown.take(JSON.parse(line));
  } catch (failure) {
    if (failure.name === "AbortError") return;
    shown.fail(failure.message);
  }
  shown.end();
}

class Shown {
  #counts = {};
  #free = null;
  #final = false;
  #failed = "";

  constructor(box, folders) {
    this.box = box;
    this.folders = folders;
  }

  take({ free, counts, final, failed }) {
    if (free !== undefined) this.#free = free;
    if (counts) this.#counts = counts;
    if (final) this.#final = true;
    if (failed) this.#failed = failed;
    this.#write(t("so_far"));
  }

  fail(message) {
    this.#failed = message;
  }

  /** Nothing more comes. */
  end() {
    this.#write(this.#final ? "" : t("at_least"));
    this.#part("said").textContent = this.box.innerText;
  }

  #write(soFar) {
    const found = Object.values(this.#counts);
    const sum = (name) => found.reduce((total, one) => total + one[name], 0);
    const files = Number(this.box.dataset.files) + sum("files");
    const bytes = Number(this.box.dataset.bytes) + sum("bytes");
    this.#part("amount").textContent = t("amount", { n: files, number: count(files), size: size(bytes) });
    this.#part("so-far").textContent = soFar;
    for (const [name, one] of Object.entries(this.#counts)) {
      const cell = this.folders.get(name);
      if (!cell) continue;
      cell.textContent = size(one.bytes);
      cell.title = t("amount", { n: one.files, number: count(one.files), size: size(one.bytes) });
    }
    const tight = this.#free !== null && bytes > this.#free;
    const room = this.#part("room");
    room.textContent = this.#free === null ? t("room_unknown") : t(tight ? "no_room" : "room", { size: size(this.#free) });
    room.classList.toggle("bad-text", tight);
    room.classList.toggle("faint", !tight);
    const trouble = [
      this.#failed && t("count_failed", { reason: this.#failed }),
      sum("unreadable") && t("unreadable", { n: sum("unreadable"), number: count(sum("unreadable")) }),
    ];
    this.#say("trouble", trouble.filter(Boolean).join(" "));
    this.#say("left-out", sum("left_out") ? t("left_out", { n: sum("left_out"), number: count(sum("left_out")) }) : "");
  }

  #say(name, text) {
    this.#part(name).textContent = text;
    this.#part(name).hidden = !text;
  }

  #part(name) {
    return this.box.querySelector(`[data-${name}]`);
  }
}

async function* linesOf(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    yield* lines;
  }
}
