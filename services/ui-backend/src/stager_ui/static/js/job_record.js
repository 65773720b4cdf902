// Of a job: what failed, and the end of its log while somebody has it open.
import { toast } from "./dialogs.js";
import { parts } from "./parts.js";
import { ask } from "./server.js";
import { t } from "./texts.js";

/** Show what is recorded of a job, and again when the job's own part of the page says that there is more. */
export function showRecord(job) {
  const failures = document.getElementById("failures");
  const log = document.getElementById("log");
  const stamp = () => job.querySelector("[data-record]")?.dataset.record;
  let shown = "";
  let logged = "";

  async function showFailures() {
    if (stamp() === shown) return;
    shown = stamp();
    try {
      failures.replaceChildren(parts(await (await ask(failures.dataset.address, { background: true })).text()));
    } catch {
      shown = ""; // the next change of the job tries again
    }
  }

  async function showLog() {
    // What has ended logs no more.
    if (!log.open || (logged === stamp() && !logged.endsWith(".active"))) return;
    logged = stamp();
    const text = log.querySelector("pre");
    const atEnd = text.scrollTop + text.clientHeight >= text.scrollHeight - 4;
    let said;
    try {
      said = (await (await ask(log.dataset.address, { background: true })).text()) || t("log_empty");
    } catch (failure) {
      said = failure.message;
    }
    if (text.textContent === said) return;
    text.textContent = said;
    if (atEnd) text.scrollTop = text.scrollHeight;
  }

  failures.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-after]");
    if (!button) return;
    button.disabled = true;
    const address = `${failures.dataset.address}?${new URLSearchParams({ after: button.dataset.after })}`;
    let fresh;
    try {
      fresh = parts(await (await ask(address)).text());
    } catch (failure) {
      toast(failure.message, { bad: true });
      button.disabled = false;
      return;
    }
    const rows = failures.querySelector("tbody");
    if (!rows) {
      failures.replaceChildren(fresh);
      return;
    }
    rows.append(...fresh.querySelectorAll("tbody tr"));
    const more = fresh.querySelector("[data-after]");
    if (more) button.replaceWith(more);
    else button.remove();
  });
  log.addEventListener("toggle", showLog);
  job.addEventListener("refreshed", () => {
    showFailures();
    showLog();
  });
  showFailures();
}
