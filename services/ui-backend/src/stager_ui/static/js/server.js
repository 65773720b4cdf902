// Requests to our own server: with the CSRF token, and with failures as errors that a person can read.
import { t } from "./texts.js";

const csrf = document.querySelector('meta[name="csrf-token"]').content;

/** Something didn't happen; `code` is for programs, the message for people. */
export class Failure extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/**
 * Ask the server for something.
 *
 * @param {string} address Where.
 * @param {{form?: FormData|URLSearchParams, background?: boolean, signal?: AbortSignal}} options A form to post;
 *   whether the page asks by itself, which doesn't keep the session alive.
 * @returns {Promise<Response>} Its answer, if it is a good one.
 */
export async function ask(address, { form, background = false, signal } = {}) {
  const headers = { "Stager-Script": "1" };
  if (background) headers["Stager-Background"] = "1";
  if (form) headers["X-CSRFToken"] = csrf;
  let answer;
  try {
    answer = await fetch(address, {
      method: form ? "POST" : "GET",
      body: form ? new URLSearchParams(form) : undefined,
      headers,
      signal,
      credentials: "same-origin",
      redirect: "error",
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failure(0, "unreachable", t("unreachable"));
  }
  if (answer.ok) return answer;
  const { error: code = "", message = t("unreachable") } = await answer.json().catch(() => ({}));
  if (code === "signed_out") document.dispatchEvent(new CustomEvent("signed-out", { detail: message }));
  throw new Failure(answer.status, code, message);
}
