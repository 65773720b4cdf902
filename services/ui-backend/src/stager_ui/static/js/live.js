// Parts of a page that show how things stand now: fetched again and again, changed only where something has changed.
import { localTimes } from "./formats.js";
import { parts } from "./parts.js";
import { ask } from "./server.js";

const EVERY_MS = 1500;
const AFTER_FAILURE_MS = 5000;
const SIGNED_OUT = 401;

/**
 * Keep a part of the page as the server would show it now, as long as somebody can see it.
 * The element gets an event `refreshed` after each change.
 *
 * @param {HTMLElement} part With the address in data-live, and in data-every the milliseconds, where not the usual.
 * @returns {() => Promise<void>} Fetches it at once.
 */
export function keepLive(part) {
  let timer = 0;
  let under_way = null;
  let ended = false;
  let trouble = null;

  function tell({ status, message }) {
    if (status === SIGNED_OUT) return; // a dialog says so
    if (!trouble) {
      trouble = document.createElement("p");
      trouble.className = "note bad trouble";
      trouble.setAttribute("role", "status");
      part.before(trouble);
    }
    if (trouble.textContent !== message) trouble.textContent = message;
  }

  async function fetchOnce() {
    try {
      const answer = await ask(part.dataset.live, { background: true });
      show(part, await answer.text());
      part.classList.remove("stale");
      trouble?.remove();
      trouble = null;
      return Number(part.dataset.every) || EVERY_MS;
    } catch (failure) {
      part.classList.add("stale");
      tell(failure);
      if (failure.status === SIGNED_OUT || failure.status === 404) ended = true;
      return AFTER_FAILURE_MS;
    }
  }

  function refresh() {
    clearTimeout(timer);
    // One at a time: an older answer must not overwrite a newer one.
    under_way = (under_way ?? Promise.resolve()).then(fetchOnce).then((pause) => {
      clearTimeout(timer);
      if (!ended && !document.hidden) timer = setTimeout(refresh, pause);
    });
    return under_way;
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : refresh()));
  localTimes(part);
  timer = setTimeout(refresh, part.dataset.live && part.querySelector("[data-key], h1, .nothing") ? EVERY_MS : 0);
  return refresh;
}

/** Make a part's content what the HTML says; what stays the same stays, with its focus and its ticks. */
export function show(part, html) {
  changeChildren(part, parts(html));
  localTimes(part);
  part.dispatchEvent(new CustomEvent("refreshed"));
}

function changeChildren(from, to) {
  const byKey = new Map([...from.children].filter((child) => child.dataset.key).map((child) => [child.dataset.key, child]));
  let here = from.firstChild;
  for (const wanted of [...to.childNodes]) {
    const key = wanted.dataset?.key;
    const match = key ? byKey.get(key) : alike(here, wanted) ? here : null;
    if (!match) {
      from.insertBefore(wanted, here);
      continue;
    }
    if (match === here) here = here.nextSibling;
    else from.insertBefore(match, here);
    change(match, wanted);
  }
  while (here) {
    const next = here.nextSibling;
    here.remove();
    here = next;
  }
}

function alike(one, other) {
  return one && one.nodeType === other.nodeType && one.nodeName === other.nodeName && !one.dataset?.key;
}

function change(node, wanted) {
  if (node.nodeType !== Node.ELEMENT_NODE) {
    if (node.nodeValue !== wanted.nodeValue) node.nodeValue = wanted.nodeValue;
    return;
  }
  // What another script fills is left to it.
  if (node.isEqualNode(wanted) || node.dataset.keep !== undefined) return;
  for (const { name } of [...node.attributes]) {
    // What somebody has unfolded stays so.
    if (!wanted.hasAttribute(name) && name !== "open") node.removeAttribute(name);
  }
  for (const { name, value } of wanted.attributes) if (node.getAttribute(name) !== value) node.setAttribute(name, value);
  changeChildren(node, wanted);
}
