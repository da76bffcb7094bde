// The answer of one task as it grows: a stream of its own, begun anew when it was cut.

import { Refused, stream } from "./api.js";

const MOST = 200_000;
const AGAIN_AFTER = 2_000;

export class Output {
  constructor(changed) {
    this.changed = changed;
    this.clear();
  }

  clear() {
    this.stop?.abort();
    this.stop = null;
    Object.assign(this, { task: null, text: "", isCut: false, ended: null, isSecret: false, isChosen: false });
  }

  /** Watch this task; `isChosen` where a person asked for it, who is not led away from it again. */
  async watch(task, isChosen) {
    this.clear();
    this.stop = new AbortController();
    this.task = task;
    this.isChosen = isChosen;
    this.changed();
    const { signal } = this.stop;
    while (!signal.aborted && this.ended === null && !this.isSecret) {
      try {
        await this.read(signal);
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof Refused && error.status < 429) this.isSecret = true;
      }
      this.changed();
      if (this.ended === null && !this.isSecret) await new Promise((done) => setTimeout(done, AGAIN_AFTER));
    }
  }

  async read(signal) {
    const path = `tasks/${encodeURIComponent(this.task)}/log`;
    for await (const { name, data } of stream(path, signal)) {
      if (signal.aborted) return;
      if (name === "open" || name === "run") this.restart();
      if (name === "answer") this.take(data.text);
      if (name === "end") {
        if (data.answer) this.take(String(data.answer));
        this.ended = data.status;
      }
      this.changed();
      if (this.ended !== null) return;
    }
  }

  restart() {
    this.text = "";
    this.isCut = false;
  }

  take(text) {
    this.text += text;
    if (this.text.length > MOST) {
      this.text = this.text.slice(-MOST / 2);
      this.isCut = true;
    }
  }
}
