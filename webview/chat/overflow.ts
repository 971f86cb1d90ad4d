/**
 * What is wider than its place, and scrolls there, can be reached by keyboard, and only then: else every code block
 * would be one more stop on the way through the page.
 */
export function watchOverflow(root: HTMLElement): () => void {
  const sizes = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      mark(target);
    }
  });
  const seen = new WeakSet<Element>();
  const look = () => {
    for (const scroller of root.querySelectorAll("[data-scroller]")) {
      if (!seen.has(scroller)) {
        seen.add(scroller);
        sizes.observe(scroller);
        for (const child of scroller.children) {
          sizes.observe(child);
        }
      }
    }
  };
  const changes = new MutationObserver(look);
  changes.observe(root, { childList: true, subtree: true });
  look();
  return () => {
    sizes.disconnect();
    changes.disconnect();
  };
}

function mark(target: Element): void {
  const scroller = target.closest("[data-scroller]");
  if (scroller !== null) {
    scroller.toggleAttribute("data-overflows", scroller.scrollWidth > scroller.clientWidth);
    if (scroller.scrollWidth > scroller.clientWidth) {
      scroller.setAttribute("tabindex", "0");
    } else {
      scroller.removeAttribute("tabindex");
    }
  }
}
