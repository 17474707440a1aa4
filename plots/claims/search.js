/* Shows the claims that contain all words of the search, with one of the chosen verdicts. */
const box = document.getElementById("search");
const shown = document.getElementById("shown");
const claims = [...document.querySelectorAll("article")];
const texts = new Map(claims.map((claim) => [claim, text_of(claim)]));
const chips = [...document.querySelectorAll("#verdicts input")];

/* All but the code. */
function text_of(claim) {
  const copy = claim.cloneNode(true);
  copy.querySelectorAll("pre, style").forEach((one) => one.remove());
  return copy.textContent.toLowerCase();
}

function search() {
  const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
  const chosen = chips.filter((one) => one.checked).map((one) => one.value);
  let count = 0;
  for (const claim of claims) {
    const text = texts.get(claim);
    claim.hidden = !(words.every((word) => text.includes(word)) &&
                     (chosen.length === 0 || chosen.includes(claim.dataset.verdict)));
    count += !claim.hidden;
  }
  for (const section of document.querySelectorAll("section.claims")) {
    section.hidden = !section.querySelector("article:not([hidden])");
  }
  shown.textContent = count === claims.length ? "" : `${count} of ${claims.length} shown`;
}

/* A link to a claim shows it, whatever was searched. */
function follow() {
  const claim = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (claim && claim.hidden) {
    box.value = "";
    chips.forEach((one) => { one.checked = false; });
    search();
    claim.scrollIntoView();
  }
}

document.getElementById("filter").hidden = false;
box.addEventListener("input", search);
chips.forEach((one) => one.addEventListener("change", search));
addEventListener("hashchange", follow);
search();
follow();
