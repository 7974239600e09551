/**
 * When to draw: never more than once a frame, and never for more than half of the time, so that
 * what happens can be taken in however fast it comes.
 *
 * @module pace
 */

/** Calls `draw` some time after it was asked for, once for all that asked. */
export class Pace {
  #draw;
  #frame;
  #now;
  #asked = false;
  #rests = 0;

  /**
   * @param {() => void} draw
   * @param {object} world
   * @param {(call: () => void) => unknown} world.frame Calls at the next frame.
   * @param {() => number} world.now Milliseconds.
   */
  constructor(draw, { frame, now }) {
    this.#draw = draw;
    this.#frame = frame;
    this.#now = now;
  }

  /** Something is to be drawn. */
  ask() {
    if (this.#asked) return;
    this.#asked = true;
    this.#frame(() => this.#turn());
  }

  #turn() {
    const start = this.#now();
    if (start < this.#rests) {
      this.#frame(() => this.#turn());
      return;
    }
    this.#asked = false;
    this.#draw();
    const end = this.#now();
    this.#rests = end + (end - start);
  }
}
