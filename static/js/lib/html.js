/**
 * The one place where HTML text becomes nodes. Only HTML that the server has rendered and sanitised comes
 * here: partials, and the html of block_html frames. Text of people and models goes through textContent.
 */
export function nodesOf(serverHTML) {
  const template = document.createElement("template");
  template.innerHTML = serverHTML;
  return template.content;
}

/** A whole page of ours, for taking parts of it. */
export function documentOf(serverHTML) {
  return new DOMParser().parseFromString(serverHTML, "text/html");
}

/** The first element of the `<template>` with this id, cloned. */
export function clone(id) {
  return document.getElementById(id).content.firstElementChild.cloneNode(true);
}
