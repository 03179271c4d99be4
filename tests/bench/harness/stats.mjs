// stats.mjs - medians, spreads and percentiles, and how they are written.

export const sorted = (xs) => [...xs].sort((a, b) => a - b);

export function quantile(xs, q) {
  const s = sorted(xs);
  const at = (s.length - 1) * q;
  const low = Math.floor(at);
  return s[low] + (s[Math.min(low + 1, s.length - 1)] - s[low]) * (at - low);
}

export const median = (xs) => quantile(xs, 0.5);

// Of several rounds: {median, min, max, rounds}.
export const spread = (xs) => ({ median: median(xs), min: Math.min(...xs), max: Math.max(...xs), rounds: xs.length });

export function number(x) {
  if (x === null || x === undefined || Number.isNaN(x)) return '-';
  const digits = Math.abs(x) >= 1000 ? 0 : Math.abs(x) >= 10 ? 1 : 2;
  return x.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export const spreadText = (s) => `${number(s.median)} (${number(s.min)} .. ${number(s.max)})`;
