// Calls the JSON API; docs/reference/review-api.md describes it.

/** An error in a sentence. Status 0: no answer came. */
export class ApiError extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }

  /** Say whether the same call may do better later. */
  get passes() {
    return this.status === 0 || this.status === 401 || this.status === 429 || this.status >= 500;
  }
}

const PATIENCE = 15_000;
const AWAY = "The server does not answer. Is `bot review` still running?";

export const session = new EventTarget();
let csrf = "";

async function call(method, path, body) {
  const headers = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRF-Token"] = csrf;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const request = { method, headers, credentials: "same-origin", signal: AbortSignal.timeout(PATIENCE) };
  if (body !== undefined) request.body = JSON.stringify(body);
  let answer;
  let data = null;
  try {
    answer = await fetch(path, request);
    data = await answer.json().catch(() => null);
  } catch {
    throw new ApiError(0, "away", AWAY);
  }
  if (answer.ok && data !== null) return data;
  const told = data?.error ?? {};
  const error = new ApiError(answer.status, told.code ?? "", told.message ?? `The server answered with the error ${answer.status}.`);
  if (error.status === 401 && path !== "api/session") session.dispatchEvent(new Event("signed-out"));
  throw error;
}

export const get = (path) => call("GET", path);
export const remove = (path) => call("DELETE", path);

/** Change something; a token of an earlier session is renewed once. */
export async function post(path, body = {}) {
  try {
    return await call("POST", path, body);
  } catch (error) {
    if (error.status !== 403 || path === "api/session") throw error;
    await project();
    return call("POST", path, body);
  }
}

/** Fetch what the page needs once. */
export async function project() {
  const data = await get("api/project");
  csrf = data.csrf;
  return data;
}

export async function signIn(token, reviewer) {
  const data = await post("api/session", { token, reviewer });
  csrf = data.csrf;
  return data;
}

export const signOut = () => remove("api/session");
