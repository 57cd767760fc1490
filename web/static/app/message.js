// The message editor's comfort: choices that send the form, cards moved with the mouse or Alt and arrows, the focus
// after an order, a question before unsaved words are left, and a copy of them in this tab for the case that they are
// lost all the same. Everything works without it, by buttons.
"use strict";

(() => {
  const form = document.getElementById("message-form");
  if (!form) return;
  let changed = false;
  const key = `message ${location.pathname}`;

  const order = (value) => {
    const button = document.createElement("button");
    button.type = "submit";
    button.name = "do";
    button.value = value;
    button.hidden = true;
    document.getElementById("editor").append(button);
    button.click(); // not requestSubmit: htmx would send the button that was focused last
    button.remove();
  };
  const typed = () => {
    const pairs = [...new FormData(form)].filter(([name, value]) => typeof value === "string" && name !== "csrf_token");
    return new URLSearchParams(pairs).toString();
  };
  let waiting = 0;
  const keep = () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => (changed ? sessionStorage.setItem(key, typed()) : sessionStorage.removeItem(key)), 300);
  };

  form.addEventListener("change", (event) => {
    if (event.target.closest("[data-refresh], #add-language")) order("refresh");
  });
  form.addEventListener("input", () => { changed = true; keep(); });

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
  let height = 0;
  const follow = () => {
    if (!dragged) return;
    if (height < 80) window.scrollBy(0, -8);
    if (height > window.innerHeight - 80) window.scrollBy(0, 8);
    for (const card of dragged.parentElement.children) {
      const box = card.getBoundingClientRect();
      if (card === dragged || height < box.top || height > box.bottom) continue;
      const lower = height > box.top + box.height / 2;
      card.parentElement.insertBefore(dragged, lower ? card.nextSibling : card);
      break;
    }
    requestAnimationFrame(follow);
  };
  const numbers = (list) => [...list.children].map((card) => card.id).join();
  form.addEventListener("pointerdown", (event) => {
    const grip = event.target.closest("[data-grip]");
    if (!grip || event.button !== 0) return;
    dragged = grip.closest("[data-card]");
    before = numbers(dragged.parentElement);
    dragged.classList.add("dragged");
    height = event.clientY;
    grip.setPointerCapture(event.pointerId);
    event.preventDefault();
    requestAnimationFrame(follow);
  });
  form.addEventListener("pointermove", (event) => { height = event.clientY; });
  const drop = () => {
    if (!dragged) return;
    const list = dragged.parentElement;
    dragged.classList.remove("dragged");
    dragged = null;
    if (numbers(list) !== before) order("refresh");
  };
  form.addEventListener("pointerup", drop);
  form.addEventListener("pointercancel", drop);

  // While an order is on its way nothing can be typed that its answer would overwrite.
  let focused = "";
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target !== form) return;
    focused = document.activeElement?.id || "";
    document.getElementById("editor").inert = true;
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.target === form) document.getElementById("editor").inert = false;
  });

  document.addEventListener("htmx:afterSettle", (event) => {
    const editor = document.getElementById("editor");
    if (event.target !== editor && event.detail.target?.id !== "editor") return;
    changed = editor.dataset.unsaved === "1";
    keep();
    editor.inert = false;
    const goal = document.getElementById(editor.dataset.focus || focused);
    if (!goal) return;
    const place = goal.disabled ? goal.closest("[data-card]")?.querySelector("button:not(:disabled)") : goal;
    place?.focus();
    place?.scrollIntoView({ block: "nearest" });
  });

  window.addEventListener("beforeunload", (event) => {
    if (changed) event.preventDefault();
  });

  // Words that were neither saved nor given up: the session ended, the browser crashed, the tab was loaded again.
  const lost = sessionStorage.getItem(key);
  const offer = document.getElementById("rescued");
  if (lost && lost !== typed()) offer.classList.remove("d-none");
  offer.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    offer.classList.add("d-none");
    if (button.id !== "rescue") return sessionStorage.removeItem(key);
    const values = {};
    for (const [name, value] of new URLSearchParams(lost)) (values[name] ??= []).push(value);
    changed = true;
    htmx.ajax("POST", form.action, { source: offer, target: "#editor", swap: "outerHTML", values: { ...values, do: "refresh" } });
  });
})();
