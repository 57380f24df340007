const SHOWN = 4;

/** Who has this conversation open: avatars in the header, and a line under the message field. */
export class Presence {
  #people = [];

  constructor({ user, hint }) {
    this.user = user;
    this.hint = hint;
    this.usual = hint?.textContent ?? "";
  }

  update(people) {
    this.#people = people;
    this.draw();
  }

  /** Again, where the header has been replaced. */
  draw() {
    const others = this.#people.filter(({ id }) => id !== this.user);
    const box = document.getElementById("present");
    if (box) box.replaceChildren(...(others.length ? this.#avatars(others) : []));
    if (this.hint) this.hint.textContent = [reading(others), this.usual].filter(Boolean).join(" ");
  }

  #avatars(others) {
    const all = [...this.#people.filter(({ id }) => id === this.user), ...others];
    const avatars = all.slice(0, SHOWN).map(({ id, name, initial, colour }) => {
      const avatar = document.createElement("span");
      avatar.className = id === this.user ? "avatar" : "avatar avatar--person";
      avatar.dataset.colour = colour;
      avatar.title = name;
      avatar.textContent = initial;
      avatar.setAttribute("role", "img");
      avatar.setAttribute("aria-label", `${name} is here`);
      return avatar;
    });
    if (all.length <= SHOWN) return avatars;
    const more = document.createElement("span");
    more.className = "present__more";
    more.textContent = `+${all.length - SHOWN}`;
    return [...avatars, more];
  }
}

function reading(others) {
  const names = others.map(({ name }) => name);
  if (!names.length) return "";
  if (names.length === 1) return `${names[0]} is reading along.`;
  if (names.length === 2) return `${names[0]} and ${names[1]} are reading along.`;
  return `${names[0]} and ${names.length - 1} others are reading along.`;
}
