import type { Translation } from './translation';

/** What the server says in the same words each time, beside what options are for: %1, %2 … stand for what differs. The
 * words are those of the Python sources, which a test holds. */
const SAID = [
  'Classes without any box: %1.',
  'Copying %1',
  'Equal examples with different labels: %1, first %2.',
  'Examples that repeat an earlier one, and are kept on one side with it: %1.',
  'Fewer than %1 to learn from: %2.',
  'Held out but never learned: %1.',
  'Images that have the same box more than once: %1.',
  'Images without a box, which teach what is no object: %1.',
  'Judging on held-out rows',
  'Learned but never judged: %1.',
  'Left out of training, since they are held out too: %1, first %2.',
  'Sending to %1',
  'Texts of more than %1 characters, of which most models read the beginning: %2.',
  'Timing the operators',
  '%1 is learned from %2 times, %3 %4 times.',
  'area of a box',
  'asking the teacher',
  'asking what would be installed',
  'boxes',
  'boxes in an image',
  'characters',
  'comparing with the original',
  'converting the weights',
  'exporting the graph (%1)',
  'finding the learning rate',
  'fusing the attention',
  'height of an image',
  'length of a prompt',
  'length of a sentence',
  'length of a text',
  'making the version from trial %1',
  'measuring what the model needs',
  'pixels',
  'preparing the graph',
  'quantizing the weights',
  'share of its image',
  'starting %1 processes',
  'test',
  'testing the untrained model',
  'train',
  'training',
  'trying %1',
  'trying the result',
  'validation',
  'width of an image',
  'words'
];
const PATTERNS = SAID.filter(text => text.includes('%')).map(text => ({
  text,
  pattern: patternOf(text)
}));
const PLACE = /%\d/;

/** What the server says, in the language of the interface as far as it is known: the name of an option and what it is for,
 * or one of the texts above. All else, as errors and names, is said as it came. */
export function said(text: string, trans: Translation): string {
  if (text === '') {
    return text;
  }
  for (const { text: known, pattern } of SAID.includes(text) ? [] : PATTERNS) {
    const [, ...values] = pattern.exec(text) ?? [];
    if (values.length > 0) {
      return inLanguage(known, trans, values);
    }
  }
  return PLACE.test(text) ? text : inLanguage(text, trans); // which would be taken for a place of a value
}

function inLanguage(text: string, trans: Translation, values: string[] = []): string {
  // eslint-disable-next-line jupyter/no-dynamic-translation -- messages.mjs finds the texts where they come from
  return trans.gettext(text, ...values);
}

function patternOf(text: string): RegExp {
  const escaped = text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replace(/%\d/g, '(.+?)')}$`);
}
