// Stopping, restarting and deleting jobs, after a confirmation.
import { confirmed, toast } from "./dialogs.js";
import { ask } from "./server.js";
import { t } from "./texts.js";

/**
 * Do something to jobs.
 *
 * @param {"stop"|"restart"|"delete"} action What.
 * @param {string[]} ids Which jobs.
 * @returns {Promise<boolean>} Whether something was done.
 */
export async function act(action, ids) {
  const sure = await confirmed({
    title: t(`${action}_title`, { n: ids.length }),
    text: t(`${action}_text`, { n: ids.length }),
    yes: t(`${action}_yes`),
    danger: action !== "restart",
  });
  if (!sure) return false;
  const form = new FormData();
  for (const id of ids) form.append("id", id);
  try {
    const { done, refused, message } = await (await ask(`/jobs/${action}`, { form })).json();
    if (message) toast(message);
    const reasons = Map.groupBy(refused, (one) => one.message);
    for (const [reason, ones] of reasons) toast(t("refused", { n: ones.length, reason }), { bad: true });
    return done > 0;
  } catch (failure) {
    toast(failure.message, { bad: true });
    return false;
  }
}

/** Make the buttons of jobs in a part of the page work. */
export function bindActions(part, acted) {
  part.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-act]");
    if (button && (await act(button.dataset.act, [button.dataset.id]))) acted(button.dataset.act);
  });
}
