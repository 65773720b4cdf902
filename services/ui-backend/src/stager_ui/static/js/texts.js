// What the scripts say, in the language of the page.
const texts = JSON.parse(document.getElementById("texts").textContent);

export const language = document.documentElement.lang;

/** How numbers and times are written: as the browser's person does, where that is a kind of the page's language. */
export const locale = navigator.languages.find((wanted) => wanted.split("-")[0] === language) ?? language;

/** The text of a key, with values in its {places}; `n` chooses between KEY_one and KEY_other. */
export function t(key, values = {}) {
  const form = values.n === undefined ? key : `${key}_${values.n === 1 ? "one" : "other"}`;
  const text = texts[form] ?? texts[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (place, name) => values[name] ?? place);
}
