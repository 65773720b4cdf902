// Which rows of a list are chosen, and where the cursor is; knows nothing of how they look.

/** Names stay chosen while the list is sorted or filtered; positions are those of the list as it is shown. */
export class Selection {
  names = new Set();
  cursor = 0;
  #anchor = 0;
  #list = [];

  /** The list is shown anew; the cursor stays on its entry if that is still there. */
  setList(list, keep) {
    const name = keep ?? this.#list[this.cursor]?.name;
    this.#list = list;
    const found = list.findIndex((entry) => entry.name === name);
    this.cursor = this.#anchor = Math.max(found, 0);
  }

  /** A folder was opened: nothing of it is chosen. */
  clear() {
    this.names.clear();
  }

  only(position) {
    this.names.clear();
    this.#add(position);
    this.cursor = this.#anchor = position;
  }

  toggle(position) {
    const name = this.#list[position]?.name;
    if (name !== undefined && !this.names.delete(name)) this.names.add(name);
    this.cursor = this.#anchor = position;
  }

  /** From where the last choice was made to here. */
  extendTo(position) {
    this.names.clear();
    const [first, last] = [Math.min(this.#anchor, position), Math.max(this.#anchor, position)];
    for (let i = first; i <= last; i += 1) this.#add(i);
    this.cursor = position;
  }

  all() {
    for (const entry of this.#list) this.names.add(entry.name);
  }

  /** "all", "some" or "none" of what is shown. */
  extent() {
    if (!this.names.size) return "none";
    return this.#list.length && this.#list.every((entry) => this.names.has(entry.name)) ? "all" : "some";
  }

  #add(position) {
    const entry = this.#list[position];
    if (entry) this.names.add(entry.name);
  }
}
