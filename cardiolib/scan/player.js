// Plays the mosaic of a cine: pictures below, contours above, a slider over the frames.
function playCine(id) {
  const root = document.getElementById(id);
  const data = JSON.parse(root.querySelector("[data-role=data]").textContent);
  const canvas = root.querySelector("canvas"), pen = canvas.getContext("2d");
  const slider = root.querySelector("[data-role=frame]"), button = root.querySelector("[data-role=play]");
  const shown = root.querySelector("[data-role=shown]"), n = data.frames.length;
  const hidden = new Set();
  let frame = 0, timer = null;
  const pictures = data.frames.map((code) => {
    const picture = new Image();
    picture.src = "data:image/jpeg;base64," + code;
    picture.onload = () => { if (picture === pictures[frame]) draw(); };
    return picture;
  });
  function line(points) {
    pen.beginPath();
    for (let i = 0; i < points.length; i += 2) pen.lineTo(points[i], points[i + 1]);
    pen.closePath();
    pen.stroke();
  }
  function text(words, x, y) {
    pen.lineWidth = 3; pen.strokeStyle = "black"; pen.strokeText(words, x, y);
    pen.fillStyle = "white"; pen.fillText(words, x, y);
  }
  function draw() {
    if (pictures[frame].complete && pictures[frame].naturalWidth) pen.drawImage(pictures[frame], 0, 0);
    pen.lineWidth = 1.6;
    for (const [name, lines] of Object.entries(data.contours[frame])) {
      if (hidden.has(name)) continue;
      pen.strokeStyle = data.colours[name];
      lines.forEach(line);
    }
    pen.font = "12px sans-serif";
    data.slices.forEach(([words, x, y]) => text(words, x + 6, y + 16));
    const foot = canvas.height - 8;
    text("50 mm", 8, foot - 8);
    pen.lineWidth = 5; pen.strokeStyle = "black"; pen.beginPath();
    pen.moveTo(7, foot); pen.lineTo(9 + data.barPixels, foot); pen.stroke();
    pen.lineWidth = 3; pen.strokeStyle = "white"; pen.beginPath();
    pen.moveTo(8, foot); pen.lineTo(8 + data.barPixels, foot); pen.stroke();
    if (slider) { slider.value = frame; shown.textContent = (frame + 1) + " of " + n + (data.marks[frame] ? ", " + data.marks[frame] : ""); }
  }
  function go(to) { frame = (to + n) % n; draw(); }
  function play(on) {
    if (timer) clearInterval(timer);
    timer = on ? setInterval(() => go(frame + 1), Math.max(20, data.frameMs)) : null;
    button.textContent = on ? "Pause" : "Play";
    button.setAttribute("aria-pressed", String(on));
  }
  root.querySelectorAll("[data-structure]").forEach((box) => box.addEventListener("change", () => {
    if (box.checked) hidden.delete(box.dataset.structure); else hidden.add(box.dataset.structure);
    draw();
  }));
  draw();
  if (!slider) return;
  slider.addEventListener("input", () => { play(false); go(Number(slider.value)); });
  button.addEventListener("click", () => play(!timer));
  play(!window.matchMedia("(prefers-reduced-motion: reduce)").matches);
}
