// What is wrong with the page that is open, in sentences: read by benchmarks/page_defects.py in a real browser.
() => {
  const found = [];
  const say = (text) => { if (!found.includes(text)) found.push(text); };

  const shown = (element) => {
    if (!element || !element.checkVisibility) return false;
    return element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  };
  const brief = (text) => text.trim().replace(/\s+/g, " ").slice(0, 40);

  // the window, not a box in it, would have to be pushed aside
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth + 1) {
    const wide = [...document.body.querySelectorAll("*")].find((one) => {
      if (one.getBoundingClientRect().right <= root.clientWidth + 1 || !shown(one)) return false;
      for (let box = one.parentElement; box; box = box.parentElement) {
        if (["auto", "scroll", "hidden"].includes(getComputedStyle(box).overflowX)) return false;
      }
      return true;
    });
    say(`scrolls sideways: ${root.scrollWidth} px of ${root.clientWidth}, by <${wide ? wide.tagName.toLowerCase() : "?"}>`);
  }

  for (const image of document.images) {
    if ((image.alt || "").trim().length < 10) say(`no alternative text: ${image.src.slice(-40)}`);
    if (image.complete && image.naturalWidth === 0) say(`picture that does not load: ${image.src.slice(-40)}`);
  }
  for (const frame of document.querySelectorAll("iframe")) {
    if ((frame.title || "").trim().length < 10) say(`frame without a title: ${frame.src.slice(-40)}`);
  }

  const headings = [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].filter(shown);
  const tops = headings.filter((one) => one.tagName === "H1").length;
  if (tops !== 1) say(`${tops} headings of the first level`);
  let level = 0;
  for (const heading of headings) {
    const here = Number(heading.tagName[1]);
    if (here > level + 1) say(`level ${here} after ${level}: ${brief(heading.textContent)}`);
    level = here;
  }

  for (const button of document.querySelectorAll("button[popovertarget]")) {
    if (!document.getElementById(button.getAttribute("popovertarget"))) say(`number without a note: ${brief(button.textContent)}`);
  }
  const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) say(`id ${id.slice(0, 40)} stands twice`);

  // contrast after WCAG 2: 4.5 for text, 3 for large text
  const parse = (colour) => {
    const parts = colour.match(/[\d.]+/g).map(Number);
    return colour.startsWith("color(") ? parts.slice(-4).map((one, i) => (i < 3 ? one * 255 : one)) : parts;
  };
  const over = (top, below) => {
    const alpha = top.length > 3 ? top[3] : 1;
    return [0, 1, 2].map((i) => top[i] * alpha + below[i] * (1 - alpha));
  };
  const behind = (element) => {
    const layers = [];
    for (let box = element; box; box = box.parentElement) layers.push(parse(getComputedStyle(box).backgroundColor));
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255]);
  };
  const light = (colour) => {
    const [r, g, b] = colour.map((one) => {
      const share = one / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || !shown(element) || element.closest("script, style")) continue;
    const style = getComputedStyle(element);
    const ground = behind(element);
    const [one, other] = [light(over(parse(style.color), ground)), light(ground)];
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (contrast < (large ? 3 : 4.5)) say(`contrast ${contrast.toFixed(1)}: ${brief(node.data)}`);
  }
  return found;
}
