// The page with the two panes.
import { formNote, toast } from "./dialogs.js";
import { bindActions } from "./job_actions.js";
import { keepLive } from "./live.js";
import { Pane } from "./pane.js";
import { bindDrop } from "./pane_input.js";
import "./menu.js";
import { child } from "./paths.js";
import { ask } from "./server.js";
import { t } from "./texts.js";
import { bindTransfer, preview } from "./transfer.js";

// The address names both folders, so that it can be kept and sent to others. Without it, they are those of the last
// visit, as long as the tab lives.
const REMEMBERED = "stager.folders";
const { person } = document.getElementById("panes").dataset;
const last = JSON.parse(sessionStorage.getItem(REMEMBERED) ?? "{}");
const remembered = !location.search && last.person === person ? last : {};
const storage = new Pane(document.getElementById("storage"), remembered.storage);
const repository = new Pane(document.getElementById("repository"), remembered.repository);
const folders = () => ({ storage: storage.path, repository: repository.path });
const remember = () => sessionStorage.setItem(REMEMBERED, JSON.stringify({ person, ...folders() }));
const address = () => `?${new URLSearchParams(folders())}`;
for (const pane of [storage, repository]) {
  pane.element.addEventListener("opened", () => {
    history.pushState(null, "", address());
    remember();
  });
}
addEventListener("popstate", () => {
  const named = new URLSearchParams(location.search);
  for (const pane of [storage, repository]) {
    const path = named.get(pane.side);
    if (path && path !== pane.path) pane.open(path, { silent: true });
  }
  remember();
});

const recent = document.getElementById("recent");
const refreshRecent = keepLive(recent);
bindActions(recent, refreshRecent);

// What has arrived is shown where it arrived.
let arrived = null;
recent.addEventListener("refreshed", () => {
  const jobs = [...recent.querySelectorAll("[data-state]")].map((line) => line.dataset);
  const now = new Map(jobs.filter(({ state }) => state === "completed").map(({ key, direction }) => [key, direction]));
  const fresh = arrived ? [...now].filter(([key]) => !arrived.has(key)).map(([, direction]) => direction) : [];
  arrived = now;
  if (fresh.includes("download")) storage.refresh();
  if (fresh.includes("upload") && signedIn()) repository.refresh();
});

// Moving data
const upload = document.getElementById("upload");
const download = document.getElementById("download");
const signedIn = () => Boolean(repository.element.dataset.user);
function enable() {
  upload.disabled = !signedIn() || !storage.selection.names.size;
  download.disabled = !signedIn() || !repository.selection.names.size;
}
const send = () => preview("upload", storage, repository);
const fetchBack = () => preview("download", repository, storage);
upload.addEventListener("click", send);
download.addEventListener("click", fetchBack);
bindDrop(repository, storage, () => signedIn() && send());
bindDrop(storage, repository, () => signedIn() && fetchBack());
for (const pane of [storage, repository]) pane.element.addEventListener("chosen", enable);
bindTransfer(() => {
  storage.chooseNone();
  repository.chooseNone();
  refreshRecent();
});

// The repository's own login
const login = repository.element.querySelector(".repository-login");
function showLogin(user) {
  repository.element.dataset.user = user ?? "";
  repository.element.classList.toggle("signed-out", !user);
  login.hidden = Boolean(user);
  repository.element.querySelector(".pane-user").hidden = !user;
  repository.element.querySelector(".pane-user-name").textContent = user ?? "";
  if (!user) repository.element.querySelector(".pane-message").hidden = true;
  enable();
}
login.querySelector("button").disabled = false;
login.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = login.querySelector("button");
  button.disabled = true;
  try {
    const { user } = await (await ask(login.action, { form: new FormData(login) })).json();
    formNote(login, "");
    login.reset();
    showLogin(user);
    await repository.refresh();
    repository.grid.focus();
  } catch (failure) {
    formNote(login, failure.message);
    login.elements.password.value = "";
    login.elements.password.focus();
  } finally {
    button.disabled = false;
  }
});
repository.element.addEventListener("login-needed", () => {
  if (signedIn()) formNote(login, t("repository_ended"));
  showLogin(null);
});
repository.element.querySelector('[data-do="repository-logout"]').addEventListener("click", async () => {
  try {
    await ask("/repository/logout", { form: new FormData() });
  } catch (failure) {
    toast(failure.message, { bad: true });
    return;
  }
  formNote(login, "");
  showLogin(null);
  login.elements.user.focus();
});

// A new folder in the repository
const newFolder = document.getElementById("new-folder");
repository.element.querySelector('[data-do="new-folder"]').addEventListener("click", () => {
  formNote(newFolder, "");
  newFolder.querySelector("form").reset();
  newFolder.showModal();
});
newFolder.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = new FormData(event.target);
  form.set("folder", repository.path);
  try {
    const { path } = await (await ask(event.target.action, { form })).json();
    newFolder.close();
    toast(t("made", { name: form.get("name") }));
    if (path === child(repository.path, form.get("name"))) await repository.refresh();
  } catch (failure) {
    formNote(newFolder, failure.message);
  }
});

history.replaceState(null, "", address());
remember();
storage.refresh();
showLogin(repository.element.dataset.user || null);
if (signedIn()) repository.refresh();
