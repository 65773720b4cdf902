// Dialogs, notes that go away by themselves, and the end of the session.
import { t } from "./texts.js";

const TOAST_MS = 7000;
const BAD_TOAST_MS = 20_000;

/** Say something in passing, until it is clicked away; screen readers hear it too. */
export function toast(message, { bad = false } = {}) {
  const note = document.createElement("p");
  note.className = bad ? "toast bad" : "toast";
  note.textContent = message;
  document.getElementById("toasts").append(note);
  note.addEventListener("click", () => note.remove());
  setTimeout(() => note.remove(), bad ? BAD_TOAST_MS : TOAST_MS);
}

/** Ask for a confirmation; resolves to whether it was given. Without a choice there is nothing to cancel. */
export function confirmed({ title, text, yes, danger = false, choice = true }) {
  const dialog = document.getElementById("confirm");
  dialog.querySelector("#confirm-title").textContent = title;
  dialog.querySelector("#confirm-text").textContent = text;
  const button = dialog.querySelector("#confirm-yes");
  button.textContent = yes;
  button.classList.toggle("danger", danger);
  dialog.querySelector("#confirm-no").hidden = !choice;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

/** Show why a form was refused, in the form. */
export function formNote(form, message) {
  const note = form.querySelector('[role="alert"]');
  note.textContent = message;
  note.hidden = !message;
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-close]")) event.target.closest("dialog").close();
});

let leaving = false;
document.addEventListener("signed-out", async (event) => {
  if (leaving) return;
  leaving = true;
  const here = location.pathname + location.search;
  await confirmed({ title: t("signed_out"), text: event.detail, yes: t("sign_in"), choice: false });
  location.assign(`/login?next=${encodeURIComponent(here)}`);
});
