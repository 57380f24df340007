import { Refused, signIn, token, Unreached } from "../lib/http.js";

const ADDRESS = "/attachments/";

/**
 * POST one file; resolves to the server's description of it. `progress` hears the sent share, 0 to 1, and `signal`
 * ends it. Throws Unreached, or Refused, whose `after` says in how many seconds the file may go again. XMLHttpRequest,
 * because fetch does not tell how much has been sent.
 */
export function sendFile(file, { progress, signal }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.upload.addEventListener("progress", ({ lengthComputable, loaded, total }) => lengthComputable && progress(loaded / total));
    request.upload.addEventListener("load", () => progress(1));
    request.addEventListener("load", () => {
      if (request.status === 201) return resolve(request.response);
      if (request.status === 401) signIn();
      const after = Number(request.getResponseHeader("Retry-After"));
      return reject(Object.assign(new Refused(request.status, request.response?.error), { after }));
    });
    for (const name of ["error", "abort", "timeout"]) request.addEventListener(name, () => reject(new Unreached()));
    signal.addEventListener("abort", () => request.abort());
    request.open("POST", ADDRESS);
    request.responseType = "json";
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-CSRFToken", token());
    const body = new FormData();
    body.append("file", file, file.name || "Pasted file");
    request.send(body);
  });
}

/** Takes back an upload that no message has taken; the server forgets those by itself, only later. */
export function takeBack({ url }) {
  fetch(url, { method: "DELETE", headers: { "X-CSRFToken": token() }, keepalive: true }).catch(() => {});
}

/** Whether an upload of an earlier visit is still there. */
export async function isThere({ url }) {
  try {
    return (await fetch(url, { method: "HEAD", cache: "no-store" })).status !== 404;
  } catch {
    return true;
  }
}
