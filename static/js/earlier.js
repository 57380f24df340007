import { nodesOf } from "./lib/html.js";
import { getHTML } from "./lib/http.js";
import { page, urls } from "./lib/page.js";

let isLoading = false;

/** History loads upwards: the page of messages above the first one shown. Loaded when the reader comes near it. */
export async function showEarlier(transcript) {
  if (isLoading || !page.conversation) return;
  isLoading = true;
  try {
    const first = transcript.articles[0]?.dataset.message;
    const { html, headers } = await getHTML(urls.history(first));
    transcript.prepend(nodesOf(html), headers.get("X-Has-Earlier") === "1");
  } finally {
    isLoading = false;
  }
}
