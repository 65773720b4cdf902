// Mouse, keyboard and dragging in a pane's list.
import { child, parent } from "./paths.js";

const DRAG_TYPE = "application/x-stager";
const TYPING_MS = 800;

/** Click chooses, ctrl adds, shift extends; the box adds; a folder's name or a double click opens it. */
export function bindMouse(pane) {
  const { grid, selection } = pane;
  const position = (event) => {
    const row = event.target.closest(".listing-body .row");
    return row ? Number(row.dataset.position) : -1;
  };
  grid.addEventListener("click", (event) => {
    const at = position(event);
    if (at < 0) return;
    const plain = !event.ctrlKey && !event.metaKey && !event.shiftKey;
    if (plain && event.target.classList.contains("label") && pane.shown[at].type === "folder") {
      openAt(pane, at);
      return;
    }
    if (event.shiftKey) selection.extendTo(at);
    else if (event.ctrlKey || event.metaKey || event.target.classList.contains("box")) selection.toggle(at);
    else selection.only(at);
    pane.changed();
  });
  grid.addEventListener("dblclick", (event) => {
    const at = position(event);
    if (at >= 0 && !event.target.classList.contains("box")) openAt(pane, at);
  });
  grid.addEventListener("dragstart", (event) => {
    const at = position(event);
    if (at < 0) return;
    if (!selection.names.has(pane.shown[at].name)) {
      selection.only(at);
      pane.changed();
    }
    event.dataTransfer.effectAllowed = "copy";
    event.dataTransfer.setData(`${DRAG_TYPE}-${pane.side}`, "");
  });
}

/** Let things that are dragged from another pane be dropped on this one. */
export function bindDrop(pane, other, drop) {
  const wanted = (event) => event.dataTransfer.types.includes(`${DRAG_TYPE}-${other.side}`);
  pane.element.addEventListener("dragover", (event) => {
    if (!wanted(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    pane.element.classList.add("drop");
  });
  pane.element.addEventListener("dragleave", (event) => {
    if (!pane.element.contains(event.relatedTarget)) pane.element.classList.remove("drop");
  });
  pane.element.addEventListener("drop", (event) => {
    pane.element.classList.remove("drop");
    if (!wanted(event)) return;
    event.preventDefault();
    drop();
  });
}

/** The keys of a file manager; letters go to the next name that begins with them, `/` to the filter. */
export function bindKeys(pane) {
  const { grid, selection } = pane;
  const filter = pane.element.querySelector('[data-do="filter"]');
  let typed = "";
  let timer = 0;

  function moveTo(at, event) {
    const last = pane.shown.length - 1;
    if (last < 0) return;
    const target = Math.min(Math.max(at, 0), last);
    if (event.shiftKey) selection.extendTo(target);
    else if (event.ctrlKey || event.metaKey) selection.cursor = target;
    else selection.only(target);
    pane.changed();
    pane.rows.reveal(target);
    pane.rows.update();
  }

  const keys = {
    ArrowDown: (event) => moveTo(selection.names.size || event.ctrlKey ? selection.cursor + 1 : selection.cursor, event),
    ArrowUp: (event) => moveTo(selection.cursor - 1, event),
    PageDown: (event) => moveTo(selection.cursor + pane.rows.page, event),
    PageUp: (event) => moveTo(selection.cursor - pane.rows.page, event),
    Home: (event) => moveTo(0, event),
    End: (event) => moveTo(pane.shown.length - 1, event),
    " ": () => {
      selection.toggle(selection.cursor);
      pane.changed();
    },
    Enter: () => openAt(pane, selection.cursor),
    Backspace: () => pane.open(parent(pane.path)),
    Escape: () => pane.chooseNone(),
    "/": () => filter.focus(),
  };

  filter.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== "ArrowDown") return;
    event.preventDefault();
    grid.focus();
  });

  grid.addEventListener("keydown", (event) => {
    if (event.target !== grid || event.altKey) return;
    if (event.key === "a" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      pane.chooseAll();
    } else if (keys[event.key] && !(event.key === " " && typed)) {
      event.preventDefault();
      keys[event.key](event);
    } else if (event.key.length === 1 && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      typed += event.key.toLocaleLowerCase();
      clearTimeout(timer);
      timer = setTimeout(() => (typed = ""), TYPING_MS);
      const found = pane.shown.findIndex((entry) => entry.name.toLocaleLowerCase().startsWith(typed));
      if (found >= 0) moveTo(found, event);
    }
  });
}

function openAt(pane, at) {
  const entry = pane.shown[at];
  if (entry?.type === "folder") pane.open(child(pane.path, entry.name));
}
