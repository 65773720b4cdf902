// The way to a pane's folder: home, then each folder; of a long way the middle is folded away.
import { t } from "./texts.js";
import { visible } from "./visible.js";

const MOST = 5;
const AT_END = 3;

export function crumbs(pane, { whole = false } = {}) {
  const parts = pane.path.split("/").filter(Boolean);
  const ways = parts.map((name, i) => ({ name, path: `/${parts.slice(0, i + 1).join("/")}` }));
  if (!ways.length) ways.push({ name: "/", path: "/" });
  const items = ways.map((way) => crumb(pane, way));
  if (!whole && items.length > MOST) items.splice(1, items.length - 1 - AT_END, fold(pane));
  pane.element.querySelector(".crumbs ol").replaceChildren(home(pane), ...items);
}

function crumb(pane, { name, path }) {
  const button = item(() => pane.open(path));
  button.textContent = visible(name);
  button.title = name;
  if (path === pane.path) button.setAttribute("aria-current", "location");
  return button.parentElement;
}

function home(pane) {
  const button = item(() => pane.open(pane.home));
  button.append(document.getElementById("icon-home").content.cloneNode(true));
  button.title = t("home");
  button.setAttribute("aria-label", t("home"));
  return button.parentElement;
}

function fold(pane) {
  const button = item(() => {
    crumbs(pane, { whole: true });
    pane.element.querySelector(".crumbs li:nth-child(3) button").focus();
  });
  button.textContent = "…";
  button.title = t("whole_path");
  button.setAttribute("aria-label", t("whole_path"));
  return button.parentElement;
}

function item(clicked) {
  const button = document.createElement("button");
  button.type = "button";
  button.addEventListener("click", clicked);
  document.createElement("li").append(button);
  return button;
}
