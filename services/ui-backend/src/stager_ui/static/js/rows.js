// A list of any length, of which only the rows in sight exist.
import { size, when } from "./formats.js";
import { t } from "./texts.js";
import { visible } from "./visible.js";

const BEYOND = 10;
const ROWS_BEFORE = 1; // the head counts as a row

/** Draws a pane's entries into its grid. */
export class Rows {
  #grid;
  #body;
  #side;
  #height;
  #list = [];
  #drawn = new Map();
  #state = () => ({});
  #asked = false;

  /**
   * @param {HTMLElement} grid The scrolling element with role grid.
   * @param {string} side Begins the rows' ids.
   * @param {(entry, position) => {selected: boolean, cursor: boolean}} state How a row is to look.
   */
  constructor(grid, side, state) {
    this.#grid = grid;
    this.#body = grid.querySelector(".listing-body");
    this.#side = side;
    this.#state = state;
    this.#height = parseInt(getComputedStyle(document.documentElement).getPropertyValue("--row"), 10);
    grid.style.setProperty("--time", `${widthOfTimes()}px`);
    grid.addEventListener("scroll", () => this.#soon(), { passive: true });
    new ResizeObserver(() => this.#soon()).observe(grid);
  }

  setList(list) {
    this.#list = list;
    for (const row of this.#drawn.values()) row.remove();
    this.#drawn.clear();
    this.#body.style.height = `${list.length * this.#height}px`;
    this.#grid.setAttribute("aria-rowcount", list.length + ROWS_BEFORE);
    this.#draw();
  }

  /** Selection or cursor have changed. */
  update() {
    for (const [position, row] of this.#drawn) this.#dress(row, position);
    this.#nameCursor();
  }

  /** Bring a row into sight. */
  reveal(position) {
    const head = this.#body.offsetTop;
    const top = position * this.#height;
    if (top < this.#grid.scrollTop) this.#grid.scrollTop = top;
    const room = this.#grid.clientHeight - head - this.#height;
    if (top > this.#grid.scrollTop + room) this.#grid.scrollTop = top - room;
    this.#draw();
  }

  /** How many rows are in sight at once. */
  get page() {
    return Math.max(1, Math.floor(this.#grid.clientHeight / this.#height) - 2);
  }

  #soon() {
    if (this.#asked) return;
    this.#asked = true;
    requestAnimationFrame(() => {
      this.#asked = false;
      this.#draw();
    });
  }

  #draw() {
    const first = Math.max(0, Math.floor(this.#grid.scrollTop / this.#height) - BEYOND);
    const last = Math.min(this.#list.length, Math.ceil((this.#grid.scrollTop + this.#grid.clientHeight) / this.#height) + BEYOND);
    for (const [position, row] of this.#drawn) {
      if (position < first || position >= last) {
        row.remove();
        this.#drawn.delete(position);
      }
    }
    const fresh = document.createDocumentFragment();
    for (let position = first; position < last; position += 1) {
      if (this.#drawn.has(position)) continue;
      const row = this.#row(this.#list[position], position);
      this.#drawn.set(position, row);
      fresh.append(row);
    }
    this.#body.append(fresh);
    this.#nameCursor();
  }

  #row(entry, position) {
    const row = document.createElement("div");
    row.setAttribute("role", "row");
    row.id = `${this.#side}-row-${position}`;
    row.dataset.position = position;
    row.draggable = true;
    row.style.transform = `translateY(${position * this.#height}px)`;
    row.setAttribute("aria-rowindex", position + ROWS_BEFORE + 1);
    const name = cell("cell-name");
    const box = document.createElement("span");
    box.className = "box";
    const label = document.createElement("span");
    label.className = "label";
    label.textContent = visible(entry.name);
    label.title = entry.target ? `${entry.name} → ${entry.target}` : entry.name;
    const kind = document.createElement("span");
    kind.className = "unseen";
    kind.textContent = `, ${t(`type.${entry.type}`)}`;
    name.append(box, document.getElementById(`icon-${entry.type}`).content.cloneNode(true), label, kind);
    const bytes = cell("cell-size");
    bytes.textContent = entry.type === "file" ? size(entry.size) : "";
    const time = cell("cell-time");
    time.textContent = entry.modified ? when(new Date(entry.modified * 1000)) : "";
    row.append(name, bytes, time);
    this.#dress(row, position);
    return row;
  }

  #dress(row, position) {
    const entry = this.#list[position];
    const { selected, cursor } = this.#state(entry, position);
    row.className = `row is-${entry.type}${entry.undecodable ? " is-undecodable" : ""}${cursor ? " cursor" : ""}`;
    row.setAttribute("aria-selected", String(selected));
  }

  #nameCursor() {
    for (const [position, row] of this.#drawn) {
      if (row.classList.contains("cursor") && this.#list[position]) {
        this.#grid.setAttribute("aria-activedescendant", row.id);
        return;
      }
    }
    this.#grid.removeAttribute("aria-activedescendant");
  }
}

/** How wide the column of times has to be, which depends on language and font; names get what is left. */
function widthOfTimes() {
  const sample = cell("cell-time sample");
  sample.textContent = when(new Date(2028, 8, 28, 22, 58));
  document.body.append(sample);
  const width = Math.ceil(sample.getBoundingClientRect().width) + 4;
  sample.remove();
  return width;
}

function cell(name) {
  const element = document.createElement("span");
  element.className = name;
  element.setAttribute("role", "gridcell");
  return element;
}
