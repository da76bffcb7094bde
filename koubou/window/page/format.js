// Numbers, money, times and lengths of time, as the language writes them.

const made = new Map();

function kept(kind, language, options) {
  const key = `${kind.name} ${language} ${JSON.stringify(options)}`;
  if (!made.has(key)) made.set(key, new kind(language, options));
  return made.get(key);
}

export function formats(language) {
  const number = (value, options = {}) => kept(Intl.NumberFormat, language, options).format(value);
  const time = (value, options) => kept(Intl.DateTimeFormat, language, options).format(value);
  /** In Japanese the narrow form would be a Latin letter, and the short one has a blank that nobody writes. */
  const unit = (value, name) => {
    const told = number(value, { style: "unit", unit: name, unitDisplay: language === "ja" ? "short" : "narrow" });
    return language === "ja" ? told.replace(/\s/g, "") : told;
  };

  /** A moment in the browser's own time zone: the time of today, the day of any other, the date of another year. */
  const moment = (iso, now = Date.now()) => {
    const [at, here] = [new Date(iso), new Date(now)];
    const clock = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
    const day = { month: "short", day: "numeric" };
    if (at.toDateString() === here.toDateString()) return time(at, { ...clock, second: "2-digit" });
    if (at.getFullYear() === here.getFullYear()) return time(at, { ...day, ...clock });
    return time(at, { ...day, year: "numeric" });
  };

  return {
    number,
    moment,
    percent: (share) => number(share, { style: "percent", maximumFractionDigits: 0 }),

    /** Dollars; what is less than a cent keeps what there is of it. */
    usd(amount) {
      const digits = amount !== 0 && Math.abs(amount) < 0.1 ? 4 : 2;
      const options = { minimumFractionDigits: 2, maximumFractionDigits: digits };
      return number(amount, { style: "currency", currency: "USD", currencyDisplay: "narrowSymbol", ...options });
    },

    bytes: (count) => number(count / 1_048_576, { style: "unit", unit: "megabyte", maximumFractionDigits: 0 }),

    /** How long, in the two largest units that count. */
    length(milliseconds) {
      const seconds = Math.max(0, Math.round(milliseconds / 1000));
      const two = (large, size, small, part) => {
        const told = [unit(Math.floor(seconds / size), large), unit(Math.floor((seconds % size) / part), small)];
        return language === "ja" ? told.join("") : told.join(" ");
      };
      if (seconds < 60) return unit(seconds, "second");
      if (seconds < 3600) return two("minute", 60, "second", 1);
      if (seconds < 86_400) return two("hour", 3600, "minute", 60);
      return two("day", 86_400, "hour", 3600);
    },

    /** A sentence of the workshop with the moments in it told as all others here. */
    sentence: (text, now) => text.replace(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:[\d.]+Z/g, (iso) => moment(iso, now)),

    whole: (iso) => time(new Date(iso), { dateStyle: "medium", timeStyle: "long" }),

    /** A day of the budget, which comes as a date without a time: no time zone may shift it. */
    day: (date) => time(new Date(`${date}T00:00:00Z`), { month: "short", day: "numeric", timeZone: "UTC" }),
    month: (name) => time(new Date(`${name}-01T00:00:00Z`), { month: "long", year: "numeric", timeZone: "UTC" }),
  };
}

/** The date of a moment in a time zone, as 2026-11-29. */
export function dateIn(zone, moment) {
  return kept(Intl.DateTimeFormat, "en-CA", {
    timeZone: zone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
  }).format(moment);
}
