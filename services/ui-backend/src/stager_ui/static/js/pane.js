// One side of the page: a folder, and what can be done in it.
import { crumbs } from "./crumbs.js";
import { count, size } from "./formats.js";
import { order } from "./order.js";
import { bindKeys, bindMouse } from "./pane_input.js";
import { parent } from "./paths.js";
import { Rows } from "./rows.js";
import { Selection } from "./selection.js";
import { ask } from "./server.js";
import { t } from "./texts.js";

const SLOW_MS = 400;

/**
 * A pane. Its element gets events: `opened` when another folder is shown, `chosen` when the choice has changed,
 * `login-needed` when the repository asks who it is.
 */
export class Pane {
  selection = new Selection();
  path;
  entries = [];
  shown = [];
  sorting = { column: "name", down: false };
  #filter = "";
  #hidden = localStorage.getItem("stager.hidden") === "yes";
  #loading = null;

  constructor(element, path) {
    this.element = element;
    this.side = element.id;
    this.home = element.dataset.home;
    this.path = path ?? element.dataset.path;
    this.grid = element.querySelector(".listing");
    this.rows = new Rows(this.grid, this.side, (entry, position) => ({
      selected: this.selection.names.has(entry.name),
      cursor: position === this.selection.cursor,
    }));
    this.#do("up", "click", () => this.open(parent(this.path)));
    for (const button of element.querySelectorAll('[data-do="refresh"]')) button.addEventListener("click", () => this.refresh());
    this.#do("all", "change", (event) => (event.target.checked ? this.chooseAll() : this.chooseNone()));
    this.#do("hidden", "click", () => this.#toggleHidden());
    this.#do("filter", "input", (event) => this.#setFilter(event.target.value));
    for (const button of element.querySelectorAll("[data-sort]")) {
      button.addEventListener("click", () => this.#sortBy(button.dataset.sort));
    }
    bindKeys(this);
    bindMouse(this);
    this.#showHiddenSwitch();
    crumbs(this);
  }

  /** Show a folder; `from` is the name of the one that was left, where the cursor then stands. */
  async open(path, { silent = false } = {}) {
    const from = parent(this.path) === path ? this.path.slice(path === "/" ? 1 : path.length + 1) : undefined;
    this.path = path;
    // What still stands there is of another folder: nothing of it can be chosen or opened any more.
    this.entries = this.shown = [];
    this.selection.clear();
    this.selection.setList([]);
    this.changed();
    this.#filter = this.element.querySelector('[data-do="filter"]').value = "";
    crumbs(this);
    if (!silent) this.element.dispatchEvent(new CustomEvent("opened"));
    await this.#load(from ?? "", true);
  }

  /** Look into the folder again; what is chosen stays so. */
  async refresh() {
    await this.#load(undefined, !this.entries.length);
  }

  /** What is chosen, in the order of the list. */
  get chosen() {
    return order(this.#picked(), this.sorting);
  }

  chooseAll() {
    this.selection.all();
    this.changed();
  }

  chooseNone() {
    this.selection.clear();
    this.changed();
  }

  /** Selection or cursor have changed. */
  changed() {
    this.rows.update();
    const extent = this.selection.extent();
    const all = this.element.querySelector('[data-do="all"]');
    all.checked = extent === "all";
    all.indeterminate = extent === "some";
    const chosen = this.#picked();
    const bytes = chosen.reduce((sum, entry) => sum + (entry.size ?? 0), 0);
    const text = chosen.length ? t("chosen", { n: chosen.length, number: count(chosen.length) }) : "";
    // What is in folders isn't known here; the preview counts it.
    const whole = !chosen.some((entry) => entry.type === "folder");
    this.element.querySelector(".pane-chosen").textContent = bytes && whole ? `${text} · ${size(bytes)}` : text;
    this.element.dispatchEvent(new CustomEvent("chosen"));
  }

  #picked() {
    return this.entries.filter((entry) => this.selection.names.has(entry.name));
  }

  async #load(cursorName, fresh) {
    this.#loading?.abort();
    const loading = (this.#loading = new AbortController());
    this.element.classList.add("busy");
    this.grid.setAttribute("aria-busy", "true");
    const slow = setTimeout(() => fresh && this.#showWaiting(), SLOW_MS);
    loading.signal.addEventListener("abort", () => clearTimeout(slow));
    try {
      const address = `${this.element.dataset.listing}?${new URLSearchParams({ path: this.path })}`;
      const answer = await ask(address, { signal: loading.signal });
      this.entries = (await answer.json()).entries;
      this.#message("");
      const names = new Set(this.entries.map((entry) => entry.name));
      for (const name of this.selection.names) if (!names.has(name)) this.selection.names.delete(name);
      this.#arrange(cursorName);
      if (fresh) this.grid.scrollTop = 0;
      if (cursorName) this.rows.reveal(this.selection.cursor);
    } catch (failure) {
      if (failure.name === "AbortError") return;
      this.entries = [];
      this.#arrange();
      this.#message(failure.message, true);
      if (failure.code === "repository_login") this.element.dispatchEvent(new CustomEvent("login-needed"));
    } finally {
      clearTimeout(slow);
      if (loading === this.#loading) {
        this.element.classList.remove("busy");
        this.grid.setAttribute("aria-busy", "false");
      }
    }
  }

  #showWaiting() {
    this.rows.setList([]);
    this.element.querySelector(".pane-count").textContent = "";
    this.#message(t("loading"));
  }

  #arrange(cursorName) {
    const sought = this.#filter.toLocaleLowerCase();
    const visible = this.entries.filter(
      (entry) => (this.#hidden || !entry.name.startsWith(".")) && (!sought || entry.name.toLocaleLowerCase().includes(sought)),
    );
    this.shown = order(visible, this.sorting);
    this.selection.setList(this.shown, cursorName);
    this.rows.setList(this.shown);
    this.changed();
    const away = this.entries.length - this.shown.length;
    const total = t("items", { n: this.shown.length, number: count(this.shown.length) });
    this.element.querySelector(".pane-count").textContent = away ? `${total} · ${t("not_shown", { n: away, number: count(away) })}` : total;
    if (!this.shown.length) this.#message(t(this.entries.length ? "nothing_matches" : "empty"));
    else this.#message("");
  }

  #message(text, bad = false) {
    const place = this.element.querySelector(".pane-message");
    place.hidden = !text;
    place.classList.toggle("bad", bad);
    place.setAttribute("role", bad ? "alert" : "status");
    place.querySelector("p").textContent = text;
    place.querySelector("button").hidden = !bad;
  }

  #setFilter(text) {
    this.#filter = text;
    this.#arrange();
  }

  #sortBy(column) {
    this.sorting = { column, down: this.sorting.column === column && !this.sorting.down };
    for (const header of this.element.querySelectorAll("[data-column]")) {
      if (header.dataset.column === column) header.setAttribute("aria-sort", this.sorting.down ? "descending" : "ascending");
      else header.removeAttribute("aria-sort");
    }
    this.#arrange();
  }

  #toggleHidden() {
    this.#hidden = !this.#hidden;
    localStorage.setItem("stager.hidden", this.#hidden ? "yes" : "no");
    this.#showHiddenSwitch();
    this.#arrange();
  }

  #showHiddenSwitch() {
    this.element.querySelector('[data-do="hidden"]').setAttribute("aria-pressed", String(this.#hidden));
  }

  #do(name, event, action) {
    this.element.querySelector(`[data-do="${name}"]`).addEventListener(event, action);
  }
}
