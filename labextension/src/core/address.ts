/** A page of the main area and what it shows; data only, so that a layout, a link or a notebook can keep it. */
export type Address =
  | { page: 'model'; name: string }
  | { page: 'dataset'; name: string }
  | { page: 'job'; id: string }
  | { page: 'service'; name: string }
  | { page: 'experiment'; id: string }
  | { page: 'finetune'; base?: string; dataset?: string }
  | { page: 'optimize'; version?: string };

/** What each page may be told, the first alone being needed where it is marked so. */
const FIELDS = {
  model: { needed: 'name', others: [] },
  dataset: { needed: 'name', others: [] },
  job: { needed: 'id', others: [] },
  service: { needed: 'name', others: [] },
  experiment: { needed: 'id', others: [] },
  finetune: { needed: null, others: ['base', 'dataset'] },
  optimize: { needed: null, others: ['version'] }
} as const satisfies Record<Address['page'], { needed: string | null; others: readonly string[] }>;

/** `model/minilm`, `finetune?base=minilm%401`: the address as part of a link. */
export function pathOf(address: Address): string {
  const { needed, others } = FIELDS[address.page];
  const told = address as Partial<Record<string, string>>;
  const path = needed ? `${address.page}/${encodeURIComponent(told[needed] ?? '')}` : address.page;
  const query = new URLSearchParams();
  for (const name of others) {
    const value = told[name];
    if (value) {
      query.set(name, value);
    }
  }
  return query.size > 0 ? `${path}?${query.toString()}` : path;
}

/** The address that a part of a link names; null where it names none. */
export function addressOf(path: string): Address | null {
  const [before, after] = split(path, '?');
  const [page, escaped] = split(before, '/');
  if (!isPage(page)) {
    return null;
  }
  const { needed, others } = FIELDS[page];
  const first = unescaped(escaped);
  if ((needed !== null) !== Boolean(first)) {
    return null;
  }
  const query = new URLSearchParams(after);
  const told = Object.fromEntries(
    others.flatMap((name): [string, string][] => {
      const value = query.get(name);
      return value ? [[name, value]] : [];
    })
  );
  return { page, ...(needed && { [needed]: first }), ...told } as Address;
}

function isPage(page: string): page is Address['page'] {
  return Object.hasOwn(FIELDS, page);
}

/** What stands before and after the first `mark`. */
function split(text: string, mark: string): [string, string] {
  const place = text.indexOf(mark);
  return place < 0 ? [text, ''] : [text.slice(0, place), text.slice(place + 1)];
}

/** '' where it was not escaped rightly. */
function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) {
      return '';
    }
    throw error;
  }
}
