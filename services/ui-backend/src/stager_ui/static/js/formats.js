// Sizes, counts and times for people, as the person writes them, and the time zone of the browser.
import { locale } from "./texts.js";

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];
const oneDigit = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
const moment = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
const exact = new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "long" });

export function size(bytes) {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${(unit && value < 9.95 ? oneDigit : whole).format(value)} ${UNITS[unit]}`;
}

export function count(number) {
  return whole.format(number);
}

export function when(date) {
  return moment.format(date);
}

/** Write the times in a part of the page, which came in UTC, as the person's own. */
export function localTimes(part) {
  for (const element of part.querySelectorAll("time[datetime]")) {
    const date = new Date(element.dateTime);
    if (Number.isNaN(date.getTime())) continue;
    element.textContent = moment.format(date);
    element.title = exact.format(date);
  }
}
