// @ts-check
// The stream of changes, and the counters in the foot.

/** @type {EventSource | null} */
let source = null;
let at = "";
let instance = "";
let watched = "";
let paused = false;
let polling = 0;
/** @type {any} */
let counts = null;

/** @param {string} text @param {string} state */
function liveState(text, state) {
  const button = byId("live");
  button.textContent = text;
  button.title = { polling: "16 other tabs have live updates, so this one asks every 2 seconds. ", hidden: "" }[text] || "";
  button.title += "Pause or go on (p)";
  button.dataset.state = state;
  button.setAttribute("aria-pressed", String(paused));
}

function hangUp() {
  if (source) source.close();
  source = null;
  clearTimeout(polling);
}

/** Opens the stream of changes. @param {string} trace */
function listen(trace) {
  watched = trace;
  hangUp();
  if (paused) return liveState("paused", "paused");
  if (document.hidden) return liveState("hidden", "paused");
  const parameters = new URLSearchParams();
  if (at) parameters.set("since", at);
  if (trace) parameters.set("trace", trace);
  const stream = new EventSource(`${mount}/api/changes?${parameters}`);
  source = stream;
  let lost = 0;
  stream.addEventListener("open", () => {
    clearTimeout(lost);
    lost = 0;
    liveState("live", "live");
  });
  stream.addEventListener("message", (event) => {
    known(event.lastEventId);
    const message = JSON.parse(event.data);
    if (!message.counts) return;
    status(message.counts);
    shown.change(message);
  });
  stream.addEventListener("reset", (event) => {
    // The process was started again, so nothing that is shown exists there.
    known(/** @type {MessageEvent} */ (event).lastEventId);
    restarted();
  });
  // A mounted page's stream ends now and then, so that it holds up no shutdown.
  stream.addEventListener("again", () => listen(watched));
  stream.addEventListener("error", () => {
    if (stream.readyState === EventSource.CLOSED) {
      // No place for another stream, so ask now and then.
      poll();
    } else if (!lost) {
      lost = setTimeout(() => liveState("connection lost", "lost"), 3000);
    }
  });
}

function restarted() {
  open();
  const notice = make("div", { class: "notice", id: "restarted" }, "The process was restarted. Traces of the earlier one are gone. ",
    make("button", { type: "button", onclick: () => notice.remove() }, "OK"));
  byId("notices").replaceChildren(notice);
  announce("the process was restarted");
}

/** @param {string} id */
function known(id) {
  if (!id) return;
  at = id;
  instance = id.split("-")[0];
}

function poll() {
  hangUp();
  liveState("polling", "live");
  polling = setTimeout(async () => {
    const { status: code, data } = await ask("status");
    if (code === 200) {
      status(data.counts);
      if (instance && data.instance !== instance) {
        known(`${data.instance}-${data.generation}`);
        return restarted();
      }
      instance = data.instance;
      shown.renew();
      if (Math.random() < 0.2) return listen(watched);
    } else {
      liveState("connection lost", "lost");
      return void (polling = setTimeout(() => listen(watched), 2000));
    }
    poll();
  }, 2000);
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    hangUp();
    if (!paused) liveState("hidden", "paused");
  } else if (!paused) {
    shown.renew();
    listen(watched);
  }
  document.body.dataset.stream = source ? "open" : "closed";
});

function pause() {
  paused = !paused;
  if (!paused) shown.renew();
  listen(watched);
}
byId("live").addEventListener("click", pause);

/** @param {any} now */
function status(now) {
  counts = now;
  byId("running-count").textContent = now.running ? ` (${count(now.running)})` : "";
  const oldest = now.oldest ? ` · oldest ${age((now.now - now.oldest) / 1e6)}` : "";
  const lost = now.missed + now.refused;
  byId("status").replaceChildren(
    `kept ${count(now.kept)} of ${count(now.seen)} traces · ${mib(now.used)} of ${mib(now.memory).replace(/\.0$/, "")} MiB${oldest} · `,
    make("span", { class: lost ? "bad" : "" }, `${count(lost)} spans missed by this page`),
  );
}
