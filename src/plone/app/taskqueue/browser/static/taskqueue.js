/* Keeps what is on the page up to date while somebody looks at it.

   An element with data-taskqueue-live="URL" is asked for at that address: texts and
   progress are put where they belong, and "reload" fetches the page and takes over the
   element of the same id.  The less changes, the less often it asks; a page that nobody
   looks at does not ask at all. */
(() => {
  "use strict";

  const SHORTEST = 2000;
  const LONGEST = 30000;
  const SLOWER = 1.5;

  const setText = (node, text) => {
    // Left alone where it is the same, or a screen reader would say it again.
    if (node.textContent !== text) {
      node.textContent = text;
    }
  };

  const show = (element, answer) => {
    for (const node of element.querySelectorAll("[data-live]")) {
      const text = answer.texts[node.dataset.live];
      if (text !== undefined) {
        setText(node, text);
      }
    }
    for (const node of element.querySelectorAll("[data-live-progress]")) {
      const percent = answer.progress[node.dataset.liveProgress];
      if (percent === null) {
        node.removeAttribute("value");
      } else if (percent !== undefined) {
        node.value = percent;
      }
    }
  };

  const exchange = (element, page) => {
    const fresh = element.id && page.getElementById(element.id);
    if (!fresh) {
      window.location.reload();
      return;
    }
    for (const open of element.querySelectorAll("details[id][open]")) {
      fresh.querySelector(`#${CSS.escape(open.id)}`)?.setAttribute("open", "");
    }
    const focused = element.contains(document.activeElement)
      ? document.activeElement.id
      : "";
    element.replaceChildren(...fresh.childNodes);
    element.dataset.taskqueueLive = fresh.dataset.taskqueueLive || "";
    if (focused) {
      document.getElementById(focused)?.focus();
    }
  };

  class Live {
    constructor(element) {
      this.element = element;
      this.wait = SHORTEST;
      this.etag = "";
      this.timer = 0;
      this.over = false;
      this.later();
    }

    later() {
      clearTimeout(this.timer);
      if (!this.over && !document.hidden) {
        this.timer = setTimeout(() => this.ask(), this.wait);
      }
    }

    wake() {
      this.wait = SHORTEST;
      this.later();
    }

    slower() {
      this.wait = Math.min(this.wait * SLOWER, LONGEST);
    }

    async ask() {
      try {
        await this.look();
      } catch {
        // No network, or not this time: the page still shows what it knows.
        this.slower();
      }
      this.later();
    }

    async look() {
      const url = this.element.dataset.taskqueueLive;
      if (!url || !this.element.isConnected) {
        this.over = true;
        return;
      }
      const headers = { Accept: "application/json" };
      if (this.etag) {
        headers["If-None-Match"] = this.etag;
      }
      const response = await fetch(url, { headers, cache: "no-store" });
      if (response.status === 304 || response.status >= 500) {
        this.slower();
        return;
      }
      if (!response.ok || response.redirected) {
        // Logged out, say, or the job is gone.
        this.over = true;
        return;
      }
      const answer = await response.json();
      this.etag = response.headers.get("ETag") || "";
      this.wait = SHORTEST;
      show(this.element, answer);
      if (answer.reload) {
        await this.reload();
      }
      this.over = answer.done && !answer.reload;
    }

    async reload() {
      const response = await fetch(window.location.href, { cache: "no-store" });
      if (response.ok && !response.redirected) {
        const text = await response.text();
        exchange(this.element, new DOMParser().parseFromString(text, "text/html"));
        this.etag = "";
      }
    }
  }

  const start = () => {
    const lives = [...document.querySelectorAll("[data-taskqueue-live]")].map(
      (element) => new Live(element),
    );
    document.addEventListener("visibilitychange", () => {
      for (const live of lives) {
        live.wake();
      }
    });
  };

  if (document.readyState === "loading") {
    document.addEventListener("DOMContentLoaded", start);
  } else {
    start();
  }
})();
