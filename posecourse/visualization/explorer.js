// The picture of an explorer: Python draws it, and its handles are moved here.

// [right, down] of a key, in steps
const KEYS = {
  ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
  Home: [-1e9, 0], End: [1e9, 0], PageUp: [0, -1e9], PageDown: [0, 1e9],
};
const STEP = 2, LARGE_STEP = 20; // pixels of the page; the large one with Shift

function render({ model, el }) {
  const frame = document.createElement("div");
  frame.className = "posecourse-picture";
  const picture = document.createElement("img");
  frame.append(picture);
  el.append(frame);
  const handles = new Map(); // name -> its element

  const place = (handle, [x, y]) => {
    handle.style.left = `${100 * x}%`;
    handle.style.top = `${100 * y}%`;
  };

  // Ask Python for the picture with a handle at (x, y), as parts of the
  // picture. While Python draws, later wishes replace earlier ones.
  const move = (name, [x, y]) => {
    const [left, top, right, bottom] = model.get("area");
    const to = [
      Math.min(Math.max(x, left), right), Math.min(Math.max(y, top), bottom),
    ];
    place(handles.get(name), to);
    model.set("wish", { name, place: to, count: model.get("wish").count + 1 });
    model.save_changes();
  };

  const makeHandle = (name) => {
    const handle = document.createElement("div");
    handle.className = "posecourse-handle";
    handle.tabIndex = 0;
    handle.setAttribute("role", "slider"); // so that arrow keys arrive here
    handle.dataset.name = name;
    handle.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      handle.focus({ preventScroll: true });
      handle.setPointerCapture(event.pointerId);
    });
    handle.addEventListener("pointermove", (event) => {
      if (!handle.hasPointerCapture(event.pointerId)) return;
      const box = picture.getBoundingClientRect();
      move(name, [
        (event.clientX - box.left) / box.width,
        (event.clientY - box.top) / box.height,
      ]);
    });
    handle.addEventListener("keydown", (event) => {
      if (!(event.key in KEYS)) return;
      event.preventDefault();
      event.stopPropagation(); // JupyterLab would go to another cell
      const step = event.shiftKey ? LARGE_STEP : STEP;
      const [right, down] = KEYS[event.key];
      move(name, [
        parseFloat(handle.style.left) / 100 + (right * step) / picture.clientWidth,
        parseFloat(handle.style.top) / 100 + (down * step) / picture.clientHeight,
      ]);
    });
    frame.append(handle);
    return handle;
  };

  const showHandles = () => {
    // An answer to an earlier wish is late: the handle is elsewhere by now.
    const wish = model.get("wish"), late = model.get("answered") < wish.count;
    for (const { name, place: at, text } of model.get("handles")) {
      if (!handles.has(name)) handles.set(name, makeHandle(name));
      const handle = handles.get(name);
      if (!(late && wish.name === name)) place(handle, at);
      handle.title = text;
      handle.setAttribute("aria-label", name);
      handle.setAttribute("aria-valuetext", text);
    }
  };

  const showPicture = () => {
    const before = picture.src;
    const data = new Blob([model.get("picture")], { type: "image/png" });
    picture.src = URL.createObjectURL(data);
    picture.alt = model.get("alt");
    [picture.width, picture.height] = model.get("size");
    if (before) URL.revokeObjectURL(before);
  };

  showPicture();
  showHandles();
  model.on("change:picture", showPicture);
  model.on("change:handles", showHandles);
  // Only a screen knows how dense it is.
  model.set("density", Math.min(2, Math.max(1, window.devicePixelRatio)));
  model.save_changes();
  return () => URL.revokeObjectURL(picture.src);
}

export default { render };
