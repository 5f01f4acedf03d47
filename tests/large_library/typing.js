// Types letter by letter; after each letter that changes the list, waits until the list shows what it should.
// Returns the times from letter to painted list, and the times between frames, in ms.
const [letters, done] = arguments;
const field = document.querySelector("[data-test='search']");
const total = document.querySelector("[data-test='library-total']");
const setValue = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set;
const frame = () => new Promise(requestAnimationFrame);
const shown = () => `${total.dataset.count} ${document.querySelector("[data-test='workout-row']")?.dataset.id ?? ''}`;

const settled = [];
const frames = [];
let watching = true;
let last = performance.now();
const watch = () => {
  const now = performance.now();
  frames.push(now - last);
  last = now;
  if (watching) requestAnimationFrame(watch);
};
requestAnimationFrame(watch);

const type = async () => {
  for (const { text, expected } of letters) {
    const changes = expected !== shown();
    const typed = performance.now();
    setValue.call(field, text);
    field.dispatchEvent(new Event('input', { bubbles: true }));
    if (!changes) continue;
    while (shown() !== expected) {
      if (performance.now() - typed > 10_000) throw new Error(`"${text}" shows ${shown()}, not ${expected}`);
      await frame();
    }
    await frame();
    settled.push(performance.now() - typed);
  }
};
type().then(
  () => done({ settled, frames }),
  (error) => done({ error: String(error) }),
).finally(() => (watching = false));
