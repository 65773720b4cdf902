// The one place where HTML becomes elements: what our own server rendered, with everything from outside escaped.

/** The elements of a part of a page. */
export function parts(html) {
  const fresh = document.createElement("template");
  fresh.innerHTML = html;
  return fresh.content;
}
