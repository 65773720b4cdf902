// The pages of jobs: the list, and one job.
import { act, bindActions } from "./job_actions.js";
import { keepLive } from "./live.js";
import { count } from "./formats.js";
import { showRecord } from "./job_record.js";
import "./menu.js";
import { t } from "./texts.js";

const list = document.getElementById("job-list");
const job = document.getElementById("job");

if (job) {
  const refresh = keepLive(job);
  showRecord(job);
  bindActions(job, (action) => (action === "delete" ? location.assign(job.dataset.afterDelete) : refresh()));
}

if (list) {
  const refresh = keepLive(list);
  const ticks = () => [...list.querySelectorAll('input[name="id"]')];
  const chosen = () => ticks().filter((tick) => tick.checked);
  // What has ended can't be stopped, and what hasn't can't be restarted.
  const ids = (action) =>
    chosen()
      .filter((tick) => action === "delete" || (tick.dataset.ended !== undefined) === (action === "restart"))
      .map((tick) => tick.value);

  function update() {
    const all = list.querySelector("[data-all]");
    if (!all) return;
    const number = chosen().length;
    all.checked = number > 0 && number === ticks().length;
    all.indeterminate = number > 0 && !all.checked;
    list.querySelector("[data-chosen]").textContent = number ? t("chosen", { n: number, number: count(number) }) : t("choose");
    for (const button of list.querySelectorAll("[data-bulk]")) button.disabled = !ids(button.dataset.bulk).length;
  }

  list.addEventListener("change", (event) => {
    if (event.target.matches("[data-all]")) for (const tick of ticks()) tick.checked = event.target.checked;
    update();
  });
  list.addEventListener("refreshed", update);
  list.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-bulk]");
    if (!button) return;
    if (await act(button.dataset.bulk, ids(button.dataset.bulk))) {
      for (const tick of ticks()) tick.checked = false;
      refresh();
    }
  });
  bindActions(list, refresh);
}

for (const field of document.querySelectorAll("[data-submits]")) {
  field.addEventListener("change", () => field.form.requestSubmit());
}
