// Names as people can see them: what has no look of its own, or turns the text around it, gets one.
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]|^\s+|\s+$/g;

export function visible(name) {
  return name.replace(UNSEEN, (found) => [...found].map(look).join(""));
}

function look(character) {
  const code = character.codePointAt(0);
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  return code === 0x20 ? "␣" : "\ufffd";
}
