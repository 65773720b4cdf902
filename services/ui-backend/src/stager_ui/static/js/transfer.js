// From what is chosen to jobs: the preview, and submitting it.
import { toast } from "./dialogs.js";
import { estimate } from "./estimate.js";
import { localTimes } from "./formats.js";
import { parts } from "./parts.js";
import { ask } from "./server.js";
import { t } from "./texts.js";

const dialog = document.getElementById("transfer");
const MOST = 1000;
let counting = null;
let source = null;

/**
 * Show what a transfer would do.
 *
 * @param {"upload"|"download"} direction Which way.
 * @param {import("./pane.js").Pane} from Where things are chosen.
 * @param {import("./pane.js").Pane} to Where they go.
 */
export async function preview(direction, from, to) {
  const chosen = from.chosen;
  if (!chosen.length) return;
  if (chosen.length > MOST) {
    toast(t("too_many", { most: MOST }), { bad: true });
    return;
  }
  source = from;
  const form = new FormData();
  form.set("direction", direction);
  form.set("source", from.path);
  form.set("destination", to.path);
  for (const entry of chosen) form.append("name", entry.name);
  try {
    dialog.replaceChildren(parts(await (await ask(document.getElementById("panes").dataset.preview, { form })).text()));
    localTimes(dialog);
    dialog.showModal();
    counting = new AbortController();
    estimate(dialog.querySelector("form"), counting.signal);
  } catch (failure) {
    toast(failure.message, { bad: true });
  }
}

/** Have the dialog's form submit itself here; calls back when jobs have been made. */
export function bindTransfer(submitted) {
  dialog.addEventListener("close", () => {
    counting?.abort();
    // The button that had the focus can't take it back once nothing is chosen any more.
    const at = document.activeElement;
    if (at === document.body || at.disabled || dialog.contains(at)) source.grid.focus();
  });
  dialog.addEventListener("submit", async (event) => {
    const form = event.target.closest('[data-submit="transfer"]');
    if (!form) return;
    event.preventDefault();
    counting?.abort();
    const button = form.querySelector("button.primary");
    button.disabled = true;
    button.setAttribute("aria-busy", "true");
    try {
      dialog.replaceChildren(parts(await (await ask(form.action, { form: new FormData(form) })).text()));
      dialog.querySelector("h2").focus();
      submitted();
    } catch (failure) {
      button.disabled = false;
      button.removeAttribute("aria-busy");
      toast(failure.message, { bad: true });
    }
  });
}
