"use strict";
// The live view. Everything in a record may be a stranger's text: it goes in as text, never as markup.
(() => {
  const dock = document.querySelector("[data-stream]");
  if (!dock) return;
  const body = dock.querySelector("tbody");
  const state = dock.querySelector(".state");
  const leftOut = dock.querySelector(".left-out");
  const none = dock.querySelector(".none");
  const said = dock.querySelector(".said");
  const filters = document.querySelector(".filters");
  const wholeRecords = "whole" in dock.dataset;
  const most = Number(dock.dataset.most);
  const shown = new Map();
  const waiting = [];
  let source = null;
  let last = "";
  let caughtUp = false;

  const text = (value) => (value === null || value === undefined ? "–" : String(value));
  const who = (record) => (record.actor_type === "anonymous" ? "nobody" : text(record.subject));
  const request = (record) => (record.method ? `${record.method} ${record.path}` : "–");
  const word = (record) => (record.decision ? record.decision : `· ${text(record.kind)}`);

  function verdict(record) {
    const ready = document.getElementById(`verdict-${record.decision}`);
    return ready ? ready.content.cloneNode(true) : document.createTextNode(word(record));
  }

  function cell(row, label, value, className) {
    const made = row.insertCell();
    made.dataset.label = label;
    made.setAttribute("role", "cell");
    if (value instanceof Node) made.append(value);
    else if (className) {
      const code = document.createElement(className);
      code.textContent = value;
      made.append(code);
    } else made.textContent = value;
    return made;
  }

  function rowOf(record) {
    const row = document.createElement("tr");
    row.setAttribute("role", "row");
    if (caughtUp) row.classList.add("new");
    row.classList.toggle("event", record.kind !== "decision");
    row.classList.toggle("own", record.reason === "own_endpoint");
    cell(row, "Time", new Date(record.time).toLocaleTimeString());
    cell(row, "Who", who(record));
    cell(row, "Request", request(record), "code");
    cell(row, "Decision", verdict(record));
    cell(row, "Rule", text(record.rule), record.rule ? "code" : undefined);
    const reason = cell(row, "Reason", text(record.reason), "code");
    reason.title = record.reason_text || "";
    const tipped = because(record);
    if (tipped) {
      const small = document.createElement("small");
      small.textContent = tipped;
      reason.append(" ", small);
    }
    return row;
  }

  // The conditions that tipped it: those that held for an allow, else those that failed, were unknown, denied.
  function because(record) {
    const { held = [], failed = [], unknown = [] } = record.why || {};
    const tipped = record.decision === "allow" ? held : [failed, unknown, held].find((some) => some.length);
    return (tipped || []).join(" · ");
  }

  function withDetails(row, record) {
    const whole = document.createElement("tr");
    whole.className = "whole";
    whole.hidden = true;
    whole.id = `whole-${record.event_id}`;
    const pre = document.createElement("pre");
    pre.textContent = JSON.stringify(record, null, 2);
    const only = cell(whole, "", pre);
    only.colSpan = 7;
    const more = document.createElement("button");
    more.type = "button";
    more.className = "quiet more";
    more.textContent = "Record";
    more.setAttribute("aria-label", `Record of ${request(record)}`);
    more.setAttribute("aria-expanded", "false");
    more.setAttribute("aria-controls", whole.id);
    more.addEventListener("click", () => {
      whole.hidden = !whole.hidden;
      more.setAttribute("aria-expanded", String(!whole.hidden));
    });
    cell(row, "", more);
    return whole;
  }

  function wanted(record) {
    if (!filters) return true;
    const chosen = filters.elements.decision.value;
    if (chosen && chosen !== (record.decision || "event")) return false;
    if (!filters.elements.own.checked && record.reason === "own_endpoint") return false;
    const sought = filters.elements.text.value.trim().toLowerCase();
    const about = [who(record), request(record), word(record), text(record.rule), text(record.reason), because(record)].join(" ");
    return about.toLowerCase().includes(sought);
  }

  function refresh() {
    let visible = 0;
    for (const { record, row, whole } of shown.values()) {
      row.hidden = !wanted(record);
      if (!row.hidden) visible += 1;
      if (whole && row.hidden) whole.hidden = true;
    }
    none.hidden = visible > 0;
  }

  function tickTour(record) {
    for (const step of document.querySelectorAll("[data-step]")) {
      const asked = JSON.parse(step.dataset.step);
      if (!Object.entries(asked).every(([name, value]) => record[name] === value)) continue;
      step.classList.add("done");
      step.querySelector(".seen-only-by-readers").textContent = "Done: ";
    }
    const done = document.querySelectorAll("[data-step].done").length;
    const count = document.querySelector(".progress");
    if (count && done) count.textContent = `${done} of ${document.querySelectorAll("[data-step]").length} seen.`;
  }

  function take(record) {
    last = record.event_id;
    if (shown.has(record.event_id)) return;
    const row = rowOf(record);
    const whole = wholeRecords ? withDetails(row, record) : null;
    body.prepend(row);
    if (whole) row.after(whole);
    shown.set(record.event_id, { record, row, whole });
    for (const [id, old] of shown) {
      if (shown.size <= most) break;
      old.row.remove();
      if (old.whole) old.whole.remove();
      shown.delete(id);
    }
    if (caughtUp) said.textContent = `${who(record)}, ${request(record)}: ${word(record)}, ${text(record.reason)}`;
    tickTour(record);
  }

  function isPaused() {
    return Boolean(filters && filters.elements.pause.checked);
  }

  function open() {
    if (source) return;
    source = new EventSource(`${dock.dataset.stream}?after=${encodeURIComponent(last)}`);
    source.addEventListener("open", () => {
      state.textContent = "live";
      state.classList.add("on");
    });
    source.addEventListener("error", () => {
      state.textContent = "connecting …";
      state.classList.remove("on");
    });
    source.addEventListener("message", (event) => {
      const record = JSON.parse(event.data);
      if (isPaused()) waiting.push(record);
      else take(record);
      refresh();
    });
    source.addEventListener("left-out", (event) => {
      caughtUp = true;
      const count = event.data === "1" ? "1 request" : `${event.data} requests`;
      leftOut.textContent = `Not shown: ${count} of this view itself, recorded like all others.`;
    });
  }

  function close() {
    if (source) source.close();
    source = null;
    state.classList.remove("on");
  }

  // A browser opens six connections to one host, over all tabs: a window that nobody sees gives its own back.
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", open);
  if (filters) {
    filters.addEventListener("input", () => {
      if (!isPaused()) waiting.splice(0).forEach(take);
      refresh();
    });
    filters.addEventListener("submit", (event) => event.preventDefault());
  }
  if (!document.hidden) open();
})();

(() => {
  const list = document.querySelector("[data-socket]");
  if (!list) return;
  const state = document.querySelector(".socket-state");
  const socket = new WebSocket(location.origin.replace(/^http/, "ws") + list.dataset.socket);
  let opened = false;
  socket.addEventListener("open", () => {
    opened = true;
    state.textContent = "The socket is open.";
  });
  socket.addEventListener("message", (event) => {
    const payment = JSON.parse(event.data);
    const item = document.createElement("li");
    for (const value of [payment.from, `${payment.amount} €`]) {
      const part = document.createElement("span");
      part.textContent = value;
      item.append(part);
    }
    list.prepend(item);
    while (list.children.length > 4) list.lastChild.remove();
  });
  socket.addEventListener("close", () => {
    state.textContent = opened
      ? "The socket was closed."
      : "The socket was refused: reading this page opens no channel. The record below names the rule.";
  });
})();
