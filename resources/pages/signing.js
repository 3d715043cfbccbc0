// Drawing a signature: lines of points in thousandths of the pad, kept in a hidden field. Without this script a typed name does.
const pad = document.getElementById("pad");
if (pad) {
  const canvas = document.getElementById("drawing");
  const field = document.getElementById("strokes");
  const ink = canvas.getContext("2d");
  const most = 4000;
  let strokes = [];
  try { strokes = JSON.parse(field.value || "[]"); } catch { strokes = []; }
  const count = () => strokes.reduce((sum, stroke) => sum + stroke.length, 0);

  const draw = () => {
    ink.clearRect(0, 0, canvas.width, canvas.height);
    ink.lineWidth = 4;
    ink.lineJoin = ink.lineCap = "round";
    ink.strokeStyle = "#1b1c22";
    for (const stroke of strokes) {
      ink.beginPath();
      stroke.forEach(([x, y], at) => ink[at ? "lineTo" : "moveTo"](x * canvas.width / 1000, y * canvas.height / 1000));
      ink.stroke();
    }
    field.value = strokes.some((stroke) => stroke.length > 1) ? JSON.stringify(strokes) : "";
  };

  const point = (event) => {
    const box = canvas.getBoundingClientRect();
    const within = (value, size) => Math.max(0, Math.min(1000, Math.round(value * 1000 / size)));
    return [within(event.clientX - box.left, box.width), within(event.clientY - box.top, box.height)];
  };

  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    strokes.push([point(event)]);
    event.preventDefault();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!event.buttons || !strokes.length || count() >= most) return;
    strokes[strokes.length - 1].push(point(event));
    draw();
  });
  document.getElementById("clear").addEventListener("click", () => { strokes = []; draw(); });
  pad.hidden = false;
  draw();
}
