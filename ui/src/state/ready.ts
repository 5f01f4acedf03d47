// Marks the moment when the first screen with its data has been painted.

let marked = false;

export function markReady(): void {
  if (marked) return;
  marked = true;
  const mark = () => {
    if (document.body.dataset['ready']) return;
    performance.mark('ready');
    document.body.dataset['ready'] = 'true';
  };
  requestAnimationFrame(() => requestAnimationFrame(mark));
  // A hidden window gets no animation frames.
  setTimeout(mark, 500);
}
