"""Using a page with the keyboard alone."""

from playwright.sync_api import Page


#: Marks what can have the focus, and remembers how it looks without.
_BEGIN = """
([scope]) => {
  const looks = (element) => {
    const style = getComputedStyle(element);
    return [
      style.outlineStyle === "none" ? "" : style.outlineWidth + style.outlineColor,
      style.boxShadow, style.borderColor, style.backgroundColor, style.color,
      style.textDecoration,
    ].join("|");
  };
  const part = document.querySelector(scope);
  const selector = "a[href], button, input, select, textarea, summary, [tabindex]";
  const stops = [...part.querySelectorAll(selector)].filter(
    (element) => element.tabIndex >= 0 && !element.matches(":disabled")
      && element.type !== "hidden" && element.checkVisibility({visibilityProperty: true})
  );
  if (document.activeElement) document.activeElement.blur();
  window.taskqueueStops = {part, stops, looks, before: stops.map(looks)};
  const start = document.createElement("span");
  start.tabIndex = -1;
  part.prepend(start);
  start.focus();
  start.remove();
  return stops.map((element) => {
    const group = element.type === "radio" && element.name ? element.name : null;
    const clone = element.cloneNode(true).outerHTML.replace(/\\s+/g, " ");
    return {html: clone.slice(0, 160), group};
  });
}
"""

#: Which of them has the focus, and whether that can be seen.
_LOOK = """
() => {
  const {part, stops, looks, before} = window.taskqueueStops;
  const active = document.activeElement;
  if (active === part || !part.contains(active)) return null;
  const index = stops.indexOf(active);
  if (index < 0) return {index};
  const box = stops[index].getBoundingClientRect();
  return {
    index,
    seen: looks(stops[index]) !== before[index],
    size: box.width * box.height,
  };
}
"""

_USABLE = """
() => [...window.taskqueueStops.stops.entries()]
  .filter(([, element]) => element.isConnected && !element.matches(":disabled"))
  .map(([index]) => index)
"""


def tab_through(page: Page, within: str = "main") -> list[str]:
    """Press Tab through that part of the page; return the markup of each stop, in order.

    ``AssertionError``: something that can have the focus is not reached, or does not
    look different when it has it.  Of radio buttons of one name, one is reached.
    """
    stops = page.evaluate(_BEGIN, [within])
    assert stops, f"Nothing can have the focus in {within} of {page.url}."
    reached: list[int] = []
    invisible = []
    # A script may have added something meanwhile.
    for _ in range(2 * len(stops) + 10):
        page.keyboard.press("Tab")
        found = page.evaluate(_LOOK)
        if found is None or found["index"] in reached[:-1]:
            break
        # The parts of a date are stops of one field.
        if found["index"] < 0 or found["index"] in reached[-1:]:
            continue
        reached.append(found["index"])
        if not found["seen"] or not found["size"]:
            invisible.append(stops[found["index"]]["html"])
    groups = {stops[index]["group"] for index in reached} - {None}
    # Plone disables the button of a form whose required fields were left empty.
    usable = page.evaluate(_USABLE)
    missed = [
        stop["html"]
        for index, stop in enumerate(stops)
        if index not in reached and index in usable and stop["group"] not in groups
    ]
    assert not missed, "The keyboard does not reach:\n" + "\n".join(missed)
    assert not invisible, "The focus is not seen on:\n" + "\n".join(invisible)
    return [stops[index]["html"] for index in reached]
