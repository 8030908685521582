// The language switch. The address decides; a reader's own choice is kept and used where the address
// says nothing. Runs before the page is painted, so that nobody sees the other language first.
(() => {
  const KEY = "stadtfunk-language";
  const address = new URL(location.href);
  let kept = null;
  try {
    kept = localStorage.getItem(KEY);
  } catch {
    // Storage may be forbidden; the address alone then decides.
  }
  if (!address.searchParams.has("lang") && kept === "en") {
    address.searchParams.set("lang", "en");
    location.replace(address);
    return;
  }
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a[data-language]") : null;
    if (!link) return;
    // The address may have changed since the page was made: a search writes its query into it.
    const target = new URL(location.href);
    target.searchParams.set("lang", link.dataset.language);
    link.href = target.href;
    try {
      localStorage.setItem(KEY, link.dataset.language);
    } catch {
      // As above.
    }
  });
})();
