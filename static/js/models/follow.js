const NEAR = 24;
const FAR = 240;

/** Whether the reader is at the bottom and wants to stay there; told about every scroll. */
export class Follow {
  following = true;
  #top = 0;

  /** A scroll happened. Moving up leaves the stream; arriving at the bottom joins it again. */
  scrolled({ top, height, view }) {
    const below = height - top - view;
    if (below <= 1) this.following = true;
    else if (top < this.#top - 1) this.following = false;
    else if (top > this.#top && below <= NEAR) this.following = true;
    this.#top = top;
    return below > FAR;
  }

  leave() {
    this.following = false;
  }

  join() {
    this.following = true;
  }
}
