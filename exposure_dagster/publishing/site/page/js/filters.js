/**
 * The filters: which documents match, and their form.
 */
site.filters = (() => {
  const { state, formats } = site;
  const { el, fill, byId } = site.text;

  /** A test for documents, from the state. */
  function matcher(layer, at) {
    const { cat, edu, payLow, payHigh, low, high } = at;
    const level = edu === null || edu === "none" ? null : site.content.education.indexOf(edu);
    return (doc) =>
      (cat === null || doc.category === cat) &&
      (edu === null || doc.education === level) &&
      (payLow === null || (doc.pay !== null && doc.pay >= payLow)) &&
      (payHigh === null || (doc.pay !== null && doc.pay <= payHigh)) &&
      (low === null || site.store.reaches(layer.value[doc.index], low)) &&
      (high === null || (layer.value[doc.index] !== null && layer.value[doc.index] <= high + 1e-9));
  }

  const KEYS = ["cat", "edu", "payLow", "payHigh", "low", "high"];
  const NONE = Object.fromEntries(KEYS.map((key) => [key, null]));

  const activeCount = (at) => KEYS.filter((key) => at[key] !== null).length;

  function start() {
    byId("filter-category").addEventListener("change", (event) => state.set({ cat: event.target.value || null }));
    byId("filter-education").addEventListener("change", (event) => state.set({ edu: event.target.value || null }));
    for (const [id, key] of [
      ["filter-pay-low", "payLow"],
      ["filter-pay-high", "payHigh"],
      ["filter-low", "low"],
      ["filter-high", "high"],
    ]) {
      byId(id).addEventListener("input", (event) => {
        const text = event.target.value.trim();
        const number = Number(text);
        if (text === "") state.set({ [key]: null }, { replace: true });
        else if (Number.isFinite(number)) state.set({ [key]: number }, { replace: true });
      });
    }
    byId("filters-clear").addEventListener("click", () => {
      state.set(NONE);
      byId("filter-category").focus();
    });
    byId("filters-form").addEventListener("submit", (event) => event.preventDefault());
    // on a wide screen the filters are one row and always there; on a narrow one they open on demand
    const wide = matchMedia("(min-width: 60rem)");
    const place = () => byId("filters").toggleAttribute("open", wide.matches || activeCount(state.get()) > 0);
    wide.addEventListener("change", place);
    place();
  }

  const option = (value, label) => el("option", { value }, label);

  /** Fits the form to the layer, and its fields to the state. */
  function show(layer, at, matches) {
    const { documents } = layer;
    const category = byId("filter-category");
    if (category.dataset.set !== documents.name) {
      category.dataset.set = documents.name;
      fill(category, option("", "All categories"), ...documents.categories.map((name) => option(name, name)));
      const levels = site.content.education.map((name, level) => [level, name]).filter(([level]) => documents.docs.some((doc) => doc.education === level));
      const rows = levels.map(([, name]) => option(name, name));
      if (documents.docs.some((doc) => doc.education === null)) rows.push(option("none", "None given"));
      fill(byId("filter-education"), option("", "Any education"), ...rows);
      byId("filter-education-field").hidden = levels.length === 0;
    }
    category.value = at.cat ?? "";
    byId("filter-education").value = at.edu ?? "";
    byId("filter-pay").hidden = documents.money === null;
    if (documents.money) byId("filter-pay-name").textContent = `Median pay a year, ${documents.money.currency}`;
    byId("filter-range-name").textContent = layer.kind === "figure" ? layer.title : "Score";
    // pay has fields of its own, and education a list
    byId("filter-range").hidden = layer.unit === "money" || layer.unit === "education";
    for (const [id, key] of [
      ["filter-pay-low", "payLow"],
      ["filter-pay-high", "payHigh"],
      ["filter-low", "low"],
      ["filter-high", "high"],
    ]) {
      const field = byId(id);
      if (document.activeElement !== field) field.value = at[key] ?? "";
      if (key === "low" || key === "high") field.placeholder = formats.score(layer[key]);
    }
    const active = activeCount(at);
    byId("filters-title").textContent = active ? `Filters (${active} on)` : "Filters";
    byId("filters-clear").hidden = active === 0;
    const all = documents.docs.length;
    byId("match-count").textContent =
      matches.length === all
        ? `${formats.plural(all, "occupation", "occupations")}`
        : `${formats.count(matches.length)} of ${formats.plural(all, "occupation", "occupations")} match`;
  }

  return { matcher, start, show, activeCount };
})();
