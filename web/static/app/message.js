// The message editor's comfort: choices that send the form, cards moved with the mouse or Alt and arrows, the focus
// after an order, and a question before unsaved words are left. Everything works without it, by buttons.
"use strict";

(() => {
  const form = document.getElementById("message-form");
  if (!form) return;
  let typed = false;

  const order = (value) => {
    const button = document.createElement("button");
    button.type = "submit";
    button.name = "do";
    button.value = value;
    button.hidden = true;
    document.getElementById("editor").append(button);
    form.requestSubmit(button);
    button.remove();
  };
  const unsaved = () => typed || document.getElementById("editor")?.dataset.unsaved === "1";

  form.addEventListener("change", (event) => {
    if (event.target.closest("[data-refresh], #add-language")) order("refresh");
  });
  form.addEventListener("input", () => { typed = true; });

  // Alt and an arrow move the card in which the cursor is.
  form.addEventListener("keydown", (event) => {
    if (!event.altKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
    const card = event.target.closest("[data-card]");
    if (!card) return;
    event.preventDefault();
    card.querySelector(event.key === "ArrowUp" ? "[id$='-up']" : "[id$='-down']").click();
  });

  // The mouse or a finger takes the card by its grip; it moves among the cards of its list as the pointer passes them.
  let dragged = null;
  let before = "";
  const numbers = (list) => [...list.children].map((card) => card.id).join();
  form.addEventListener("pointerdown", (event) => {
    const grip = event.target.closest("[data-grip]");
    if (!grip || event.button !== 0) return;
    dragged = grip.closest("[data-card]");
    before = numbers(dragged.parentElement);
    dragged.classList.add("dragged");
    grip.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  form.addEventListener("pointermove", (event) => {
    if (!dragged) return;
    for (const card of dragged.parentElement.children) {
      const box = card.getBoundingClientRect();
      if (card === dragged || event.clientY < box.top || event.clientY > box.bottom) continue;
      const lower = event.clientY > box.top + box.height / 2;
      card.parentElement.insertBefore(dragged, lower ? card.nextSibling : card);
      break;
    }
  });
  const drop = () => {
    if (!dragged) return;
    const list = dragged.parentElement;
    dragged.classList.remove("dragged");
    dragged = null;
    if (numbers(list) !== before) order("refresh");
  };
  form.addEventListener("pointerup", drop);
  form.addEventListener("pointercancel", drop);

  document.addEventListener("htmx:afterSettle", (event) => {
    const editor = document.getElementById("editor");
    if (event.target !== editor && event.detail.target?.id !== "editor") return;
    typed = false;
    const goal = editor.dataset.focus && document.getElementById(editor.dataset.focus);
    if (!goal) return;
    const place = goal.disabled ? goal.closest("[data-card]")?.querySelector("button:not(:disabled)") : goal;
    place?.focus();
    place?.scrollIntoView({ block: "nearest" });
  });

  window.addEventListener("beforeunload", (event) => {
    if (unsaved()) event.preventDefault();
  });
})();
