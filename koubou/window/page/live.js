// What the page knows of the workshop, kept fresh: events say that something changed, and what is stale is asked anew.

import { Away, Refused, get, stream, token } from "./api.js";

const LOOK_EVERY = 400;
const LONGEST_WAIT = 30_000;
const FAILURES = 6;
const PAGE = 60;

/** How often each thing is asked for: at least every `most`, when something happened every `least`, milliseconds. */
const SOURCES = [
  { name: "status", least: 800, most: 10_000, path: () => "status" },
  { name: "atWork", least: 800, most: 15_000, path: () => `tasks?status=assigned&status=in_progress&limit=${PAGE}` },
  { name: "waiting", least: 1_500, most: 20_000, path: () => `tasks?status=pending&status=routing&limit=${PAGE}` },
  { name: "failed", least: 2_000, most: 60_000, path: () => `tasks?status=failed&limit=${FAILURES}` },
  {
    name: "ended",
    least: 2_000,
    most: 60_000,
    path: () => "tasks?status=completed&status=failed&status=cancelled&limit=30",
  },
  { name: "budget", least: 2_000, most: 30_000, path: () => "budget?account=month", verb: "budget" },
  { name: "workers", least: 4_000, most: 4_000, path: () => "workers", verb: "workers" },
  { name: "tiers", least: 60_000, most: 60_000, path: () => "tiers", verb: "tiers" },
  { name: "report", least: 20_000, most: 300_000, path: () => "budget/report?by=day&since=30d", verb: "reports" },
];

/** What the master does himself: nobody can have it done while he is away. */
const OF_THE_MASTER = new Set(
  "cancel finish retry rate priority release pause resume drain latch resume_budget".split(" "),
);

export class Live {
  /** `touched` hears of each task that something happened to, and of null where that may be any. */
  constructor(changed, touched) {
    this.changed = changed;
    this.touched = touched;
    this.state = { phase: "starting", me: null, at: 0, lost: null, detail: "", errors: {} };
    this.asked = {};
    this.asking = new Set();
    this.dirty = new Set();
    this.last = null;
    this.stop = new AbortController();
  }

  /** Whether we may, and whether there is anybody who would do it. */
  may(verb) {
    if (OF_THE_MASTER.has(verb) && this.state.status?.served === false) return false;
    return (this.state.me?.may[verb] ?? "none") !== "none";
  }

  /** Ask who we are, and stay; what comes of it stands in state.phase. */
  async enter() {
    this.stop.abort();
    this.stop = new AbortController();
    const { signal } = this.stop;
    for (let tries = 0; !signal.aborted; tries += 1) {
      try {
        this.state.me = await get("me");
        if (signal.aborted) return;
        this.state.lost = null;
        this.state.phase = "open";
        this.stale();
        this.look(signal);
        await this.follow(signal);
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (this.turnedAway(error)) return;
        await this.wait(tries, signal);
      }
    }
  }

  leave() {
    this.stop.abort();
    token.drop();
    this.state = { phase: "token", me: null, at: 0, lost: null, detail: "", errors: {}, why: "left" };
    this.asked = {};
    this.changed();
  }

  /** Everything is to be asked for anew. */
  stale() {
    for (const source of SOURCES) this.dirty.add(source.name);
    this.changed();
  }

  /** Read events until the stream may not be read any more; come back after a cut, each time a little later. */
  async follow(signal) {
    for (let tries = 0; !signal.aborted; tries += 1) {
      try {
        for await (const event of stream("events", this.cuttable(signal), this.last)) {
          tries = 0;
          if (event.name === "open") this.found();
          else this.happened(event);
        }
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof Refused && this.turnedAway(error)) return;
      }
      await this.wait(tries, signal);
    }
  }

  cuttable(signal) {
    this.cut = new AbortController();
    return AbortSignal.any([signal, this.cut.signal]);
  }

  happened(event) {
    if (event.id !== null) this.last = event.id;
    for (const { name } of SOURCES) if (name !== "tiers") this.dirty.add(name);
    this.touched(event.data.task);
  }

  found() {
    const wasLost = this.state.lost !== null;
    this.state.lost = null;
    this.stale();
    this.touched(null);
    if (wasLost) this.changed("back");
  }

  async wait(tries, signal) {
    const pause = Math.min(LONGEST_WAIT, 1000 * 2 ** Math.min(tries, 5)) * (0.8 + Math.random() * 0.4);
    const isNew = this.state.lost === null;
    this.state.lost = { tryAt: Date.now() + pause };
    this.changed(isNew && this.state.phase === "open" ? "lost" : null);
    await new Promise((done) => {
      const timer = setTimeout(done, pause);
      this.hurry = () => (clearTimeout(timer), done());
      signal.addEventListener("abort", this.hurry, { once: true });
    });
  }

  /** Whether an answer means that we may not stay. */
  turnedAway(error) {
    if (!(error instanceof Refused) || ![401, 403, 421].includes(error.status)) return false;
    const wasIn = this.state.me !== null;
    this.stop.abort();
    this.state.detail = error.message;
    if (error.status === 401) {
      const isOver = wasIn || /expired/i.test(error.message);
      this.state.why = !token.get() ? "none" : isOver ? "expired" : "refused";
      this.state.phase = "token";
      token.drop();
    } else {
      this.state.phase = "barred";
    }
    this.state.me = null;
    this.changed();
    return true;
  }

  /** Ask for what is stale, as long as we are here and somebody looks. */
  async look(signal) {
    while (!signal.aborted) {
      if (!document.hidden && this.state.lost === null) {
        for (const source of SOURCES.filter((each) => this.isDue(each))) this.refresh(source, signal);
      }
      await new Promise((done) => setTimeout(done, LOOK_EVERY));
    }
  }

  isDue({ name, least, most, verb }) {
    if (this.asking.has(name) || (verb && !this.may(verb))) return false;
    const age = Date.now() - (this.asked[name] ?? 0);
    return age > (this.dirty.has(name) ? least : most);
  }

  async refresh({ name, path }, signal) {
    this.asked[name] = Date.now();
    this.asking.add(name);
    this.dirty.delete(name);
    try {
      const told = await get(path());
      if (signal.aborted) return;
      this.state[name] = told;
      this.state.at = Date.now();
      if (name === "failed") await this.explainFailures(told.tasks, signal);
      this.changed();
    } catch (error) {
      this.dirty.add(name);
      if (signal.aborted || (error instanceof Refused && error.status === 401 && this.turnedAway(error))) return;
      if (error instanceof Away) this.cut?.abort();
    } finally {
      this.asking.delete(name);
    }
  }

  /** The list says which failed; each says why. What is known is not asked again. */
  async explainFailures(tasks, signal) {
    const known = this.state.errors;
    const fresh = {};
    for (const task of tasks) {
      const key = `${task.id} ${task.updated_at}`;
      fresh[key] = known[key] ?? (await get(`tasks/${encodeURIComponent(task.id)}`).catch(() => null))?.error ?? null;
      if (signal.aborted) return;
    }
    this.state.errors = fresh;
  }
}
