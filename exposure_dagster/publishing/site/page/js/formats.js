/**
 * How figures are written.
 */
site.formats = (() => {
  const MISSING = "–";
  const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
  const atMostTwo = new Intl.NumberFormat("en-US", { maximumFractionDigits: 2 });
  const oneDecimal = new Intl.NumberFormat("en-US", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const twoDecimals = new Intl.NumberFormat("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const day = new Intl.DateTimeFormat("en-US", { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });

  const known = (write) => (value) => (value === null || value === undefined || Number.isNaN(value) ? MISSING : write(value));

  const count = known((value) => whole.format(value));
  const score = known((value) => atMostTwo.format(value));
  const mean = known((value) => twoDecimals.format(value));
  const usd = known((value) => `$${whole.format(value)}`);
  const signed = known((value) => `${value > 0 ? "+" : value < 0 ? "−" : ""}${atMostTwo.format(Math.abs(value))}`);
  const percent = known((value) => `${signed(value)}%`);
  const share = known((value) => `${oneDecimal.format(100 * value)}%`);

  /** 49.7M, 12.3K: for headings, where the whole figure is not needed. */
  const short = known((value) => {
    const [size, unit] =
      [
        [1e12, "T"],
        [1e9, "B"],
        [1e6, "M"],
        [1e3, "K"],
      ].find(([least]) => Math.abs(value) >= least * 0.9995) || [1, ""];
    const scaled = value / size;
    if (size === 1) return whole.format(value);
    return `${(Math.abs(scaled) < 9.995 && size >= 1e9 ? twoDecimals : oneDecimal).format(scaled)}${unit}`;
  });

  const shortUsd = known((value) => `$${short(value)}`);

  /** Annual pay as the source gives it: a lower bound keeps its mark, an hourly figure stays one. */
  function pay(document_) {
    if (document_.pay !== null) return `${document_.isTopCoded ? "≥ " : ""}${usd(document_.pay)}`;
    if (document_.payHourly !== null) return `$${twoDecimals.format(document_.payHourly)}/hour`;
    return MISSING;
  }

  const date = known((text) => day.format(new Date(`${text}T00:00:00Z`)));

  /** A layer's value, with its unit. */
  function value(layer, number) {
    if (number === null || number === undefined) return MISSING;
    if (layer.unit === "percent") return percent(number);
    if (layer.unit === "usd") return usd(number);
    if (layer.unit === "education") return site.content.education[number] ?? MISSING;
    return score(number);
  }

  /** The same where there is little room. */
  function shortValue(layer, number) {
    if (layer.unit === "usd" && number !== null) return number >= 1000 ? `$${Math.round(number / 1000)}K` : usd(number);
    return value(layer, number);
  }

  const plural = (number, one, many) => `${count(number)} ${number === 1 ? one : many}`;

  return { MISSING, count, score, mean, usd, signed, percent, share, short, shortUsd, pay, date, value, shortValue, plural };
})();
