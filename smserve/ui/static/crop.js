// The part of the picture that is searched with: drawn on it with a pointer, or set by four ranges.

export class Crop {
  #edges; #box; #stage; #changed;

  /** `changed` is called when the box is another one. */
  constructor({ stage, box, ranges, reset, changed }) {
    this.#stage = stage;
    this.#box = box;
    this.#changed = changed;
    this.#edges = Object.fromEntries(ranges.map((range) => [range.dataset.edge, range]));
    for (const range of ranges) {
      range.addEventListener("input", () => this.#keepApart(range));
      range.addEventListener("change", changed);
    }
    reset.addEventListener("click", () => { this.reset(); changed(); });
    stage.addEventListener("pointerdown", (event) => this.#draw(event));
  }

  /** "left,top,right,bottom" as shares; empty for the whole picture. */
  get text() {
    const shares = ["left", "top", "right", "bottom"].map((edge) => Number(this.#edges[edge].value) / 100);
    return shares.join() === "0,0,1,1" ? "" : shares.join();
  }

  reset() { this.#set({ left: 0, top: 0, right: 100, bottom: 100 }); }

  #set(values) {
    for (const [edge, value] of Object.entries(values)) {
      this.#edges[edge].value = value;
      this.#edges[edge].setAttribute("aria-valuetext", `${Math.round(value)} %`);
    }
    const { left, top, right, bottom } = this.#edges;
    this.#box.hidden = this.text === "";
    Object.assign(this.#box.style, {
      left: `${left.value}%`, top: `${top.value}%`, right: `${100 - right.value}%`, bottom: `${100 - bottom.value}%`,
    });
  }

  #keepApart(moved) {
    const { left, top, right, bottom } = this.#edges;
    for (const [low, high] of [[left, right], [top, bottom]]) {
      if (moved === low) low.value = Math.min(low.value, high.value - 1);
      if (moved === high) high.value = Math.max(high.value, Number(low.value) + 1);
    }
    this.#set({ [moved.dataset.edge]: Number(moved.value) });
  }

  #draw(start) {
    if (start.button !== 0) return;
    const frame = this.#stage.getBoundingClientRect();
    const share = (event) => [
      100 * Math.min(1, Math.max(0, (event.clientX - frame.left) / frame.width)),
      100 * Math.min(1, Math.max(0, (event.clientY - frame.top) / frame.height)),
    ];
    const [x, y] = share(start);
    let drawn = false;
    const move = (event) => {
      const [toX, toY] = share(event);
      if (Math.abs(toX - x) < 3 || Math.abs(toY - y) < 3) return;
      drawn = true;
      this.#set({ left: Math.min(x, toX), right: Math.max(x, toX), top: Math.min(y, toY), bottom: Math.max(y, toY) });
    };
    const end = () => {
      this.#stage.removeEventListener("pointermove", move);
      if (drawn) this.#changed();
    };
    this.#stage.setPointerCapture(start.pointerId);
    this.#stage.addEventListener("pointermove", move);
    this.#stage.addEventListener("pointerup", end, { once: true });
    this.#stage.addEventListener("pointercancel", end, { once: true });
  }
}
