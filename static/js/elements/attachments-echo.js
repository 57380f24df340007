import { clone } from "../lib/html.js";

/* As large as a picture of a message is drawn; the server's template says the same. */
const TALLEST = 240;

/** Shows the files of a turn that has just been sent, from the same partial that the server uses. */
export function showFiles(article, attachments) {
  article.querySelector(".message__files").replaceChildren(...attachments.map((one) => (one.thumbnail_url ? picture(one) : card(one))));
}

/** A size as the server writes it: `512 bytes`, `1.4 MB`. */
export function fileSize(bytes) {
  if (bytes < 1024) return `${bytes} ${bytes === 1 ? "byte" : "bytes"}`;
  const megabytes = bytes / 1024 / 1024;
  return megabytes < 1 ? `${(bytes / 1024).toFixed(1)} KB` : `${megabytes.toFixed(1)} MB`;
}

function picture({ url, thumbnail_url: thumbnail, name, width, height }) {
  const link = clone("blank-image");
  const img = link.querySelector("img");
  const scale = Math.min(1, TALLEST / height);
  link.href = url;
  Object.assign(link.dataset, { width, height });
  Object.assign(img, { width: Math.round(width * scale), height: Math.round(height * scale), alt: name, src: thumbnail });
  return link;
}

function card({ url, name, pages, size }) {
  const link = clone("blank-document");
  link.href = url;
  link.querySelector(".attachment__name").textContent = name;
  link.querySelector(".attachment__detail").textContent = [pages && `${pages} ${pages === 1 ? "page" : "pages"}`, fileSize(size)].filter(Boolean).join(" · ");
  return link;
}
