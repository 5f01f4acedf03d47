// Scrolls on for some frames, then jumps to rows and waits until each is painted.
// Returns the times between frames and those from jump to painted row, in ms.
const [steps, jumps, done] = arguments;
const list = document.querySelector("[data-test='library-list']");
const ROW = list.firstElementChild.getBoundingClientRect().height / Number(
  document.querySelector("[data-test='library-total']").dataset.count,
);
const frame = () => new Promise(requestAnimationFrame);

const scroll = async () => {
  const frames = [];
  let last = performance.now();
  for (let step = 0; step < steps; step += 1) {
    list.scrollTop += 90;
    await frame();
    const now = performance.now();
    frames.push(now - last);
    last = now;
  }
  const jumped = [];
  for (const { index, id } of jumps) {
    const began = performance.now();
    list.scrollTop = index * ROW;
    while (document.getElementById(`workout-${index}`)?.dataset.id !== id) {
      if (performance.now() - began > 10_000) throw new Error(`row ${index} is not ${id}`);
      await frame();
    }
    await frame();
    jumped.push(performance.now() - began);
  }
  list.scrollTop = 0;
  return { frames, jumped };
};
scroll().then(done, (error) => done({ error: String(error) }));
