"""A page in a real browser: what it drew, what it fetched, what is shown when one points at the map."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

_PROBE = """<script>
const wrong = [];
window.addEventListener("error", event => wrong.push(String(event.message)));
document.addEventListener("securitypolicyviolation", event => wrong.push("blocked: " + event.blockedURI));
const pause = ms => new Promise(done => setTimeout(done, ms));
const inside = (root, found = []) => {
  for (const each of root.querySelectorAll("*")) {
    found.push(each);
    if (each.shadowRoot) inside(each.shadowRoot, found);
  }
  return found;
};
const drawn = canvas => {
  if (!canvas.width || !canvas.height) return false;
  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  return pixels.some((value, place) => place % 4 == 3 && value > 0);
};
const point_at_first_picture = async map => {
  const renderer = map.model.renderers[0], data = renderer.data_source.data;
  const area = map.canvas_view.events_el;
  map.el.scrollIntoView();
  await pause(200);
  const box = area.getBoundingClientRect();
  const x = map.frame.x_scale.compute(data.x[0]), y = map.frame.y_scale.compute(data.y[0]);
  // of an event that a script made, pageX is clientX
  const place = {clientX: box.left + scrollX + x, clientY: box.top + scrollY + y};
  const options = {...place, bubbles: true, isPrimary: true, pointerType: "mouse"};
  area.dispatchEvent(new PointerEvent("pointerover", options));
  area.dispatchEvent(new PointerEvent("pointermove", options));
  for (let tries = 0; tries < 50; tries++) {
    await pause(100);
    const shown = inside(document).filter(each => each.tagName == "IMG" && each.getRootNode() != document);
    if (shown.length && shown[0].complete && shown[0].naturalWidth) {
      return {picture: shown[0].src == data.picture[0], width: shown[0].naturalWidth,
              text: shown[0].parentElement.textContent.trim(), wanted: data.class_name[0]};
    }
  }
  return null;
};
const probe = async () => {
  const idle = () => Bokeh.documents.length && Bokeh.documents.every(each => each.is_idle);
  for (let tries = 0; tries < 200 && !idle(); tries++) await pause(100);
  await pause(500);
  const roots = Bokeh.index.roots;
  const map = roots.find(each => each.model.match_aspect);
  const found = {
    plots: document.querySelectorAll("[data-plot]").length,
    drawn: [...document.querySelectorAll("[data-plot]")].filter(
      each => each.clientHeight > 100 && inside(each).some(part => part.tagName == "CANVAS" && drawn(part))).length,
    images: document.images.length,
    broken_images: [...document.images].filter(each => !each.naturalWidth).length,
    broken_links: [...document.links].filter(
      each => !each.getAttribute("href").startsWith("#") || !document.getElementById(each.hash.slice(1))).length,
    fetched: performance.getEntriesByType("resource").map(each => each.name).filter(each => !each.startsWith("data:")),
    wide: [...document.body.querySelectorAll("*")].filter(each => !each.parentElement.closest(".scroll")
      && each.getBoundingClientRect().right > document.body.getBoundingClientRect().right
    ).map(each => each.outerHTML.slice(0, 80)),
    broken_words: [...document.querySelectorAll("td, thead th")].filter(each => {
      const text = document.createRange();
      text.selectNodeContents(each);
      return text.getClientRects().length > 1 && each.textContent.length < 9;
    }).map(each => each.textContent),
    pointed: map ? await point_at_first_picture(map) : null,
    wrong,
  };
  const told = document.createElement("pre");
  told.id = "probe";
  told.textContent = JSON.stringify(found);
  document.body.appendChild(told);
};
window.addEventListener("load", () => probe().catch(error => {
  const told = document.createElement("pre");
  told.id = "probe";
  told.textContent = JSON.stringify({wrong: [String(error)]});
  document.body.appendChild(told);
}));
</script></head>"""


def look_at(page: str, folder: Path, *, width: int = 1200) -> dict[str, Any]:
    """Open a page without a network, and return what the probe found in it.

    Args:
        page: HTML.
        folder: For the page and the browser's profile.
        width: Of the page, in pixels.
    """
    assert BROWSER is not None
    file = folder / "probed.html"
    narrow = f"<style>html {{ width: {width}px }}</style>"  # no window of the browser is narrower than 500
    file.write_text(page.replace("</head>", narrow + _PROBE, 1), encoding="utf-8")
    answer = subprocess.run(
        [
            *(BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"),
            *("--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={folder / 'profile'}"),
            *("--virtual-time-budget=60000", f"--window-size={width},900", "--dump-dom", file.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=90,
        check=True,
    )
    match = re.search(r'<pre id="probe">(.*?)</pre>', answer.stdout, re.DOTALL)
    assert match, answer.stderr[-2000:]
    found: dict[str, Any] = json.loads(match[1].replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">"))
    return found
