// The little that pages need beyond htmx: questions before what cannot be undone, rows of the windows editor, filters
// that send themselves, and a picture of the numbers by asking when the live line is down.
"use strict";

document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});

document.addEventListener("click", (event) => {
  const add = event.target.closest("[data-add-row]");
  if (add) {
    const list = document.getElementById(add.dataset.addRow);
    const template = document.getElementById(add.dataset.addRow + "-template");
    const next = Number(list.dataset.next);
    list.dataset.next = String(next + 1);
    const holder = document.createElement("div");
    holder.innerHTML = template.innerHTML.replaceAll("__n__", String(next));
    while (holder.firstElementChild) list.append(holder.firstElementChild);
    const first = list.lastElementChild.querySelector("input, select");
    if (first) first.focus();
  }
  const remove = event.target.closest("[data-remove-row]");
  if (remove) remove.closest("[data-row]").remove();
});

document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-send-on-change]");
  if (form) form.requestSubmit();
});

// The live line is full or broken: ask for the numbers once per failed try (the extension tries again by itself).
document.addEventListener("htmx:sseError", (event) => {
  for (const part of event.target.querySelectorAll("[data-live-part]")) htmx.trigger(part, "refresh");
});
