type Attributes = Readonly<Record<string, string>>;

/** An element with its attributes and what it holds; strings are text, whatever is in them. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

export function button(
  text: string,
  onClick: () => void,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLButtonElement {
  const made = element('button', { type: 'button', ...attributes }, text, ...children);
  made.addEventListener('click', onClick);
  return made;
}
