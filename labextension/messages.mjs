// Prints what there is to translate, as JSON: the texts given to `trans.__` and `trans._n` in the sources, by file, those
// of the settings' schema, the server's words (below), and the options of its operations with their help. Fails where a
// text is put together, since nobody could translate that. The server's sentences are those of tests/sentences.py.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const here = import.meta.dirname;
const schema = join(here, 'schema', 'plugin.json');
/** How many of a call's arguments are to be translated. */
const TEXTS_OF_A_CALL = new Map([
  ['__', 1],
  ['_n', 2]
]);
/** Words that the server uses beside the names of options and what they are for; a test holds them to its sources. */
const SAID = [
  'architecture',
  'area of a box',
  'boxes',
  'boxes in an image',
  'characters',
  'converted',
  'dataset',
  'decoding and scaling pictures',
  'decoding requests and encoding answers',
  'defined',
  'distilled',
  'dtype',
  'fetched',
  'fine-tuned',
  'format',
  'framework',
  'height of an image',
  'imported',
  'length of a prompt',
  'length of a sentence',
  'length of a text',
  'license',
  'optimized',
  'parameters',
  'parent',
  'pixels',
  'pruned',
  'quantized',
  'share of its image',
  'source',
  'step',
  'task',
  'test',
  'the model',
  'the network, and waiting to be read',
  'the tokenizer',
  'train',
  'validation',
  "waiting in the server's queue",
  'waiting to be sent',
  'width of an image',
  'words'
];
/** The schemas whose properties the forms ask for. */
const FORMS = [
  'AddDataset',
  'Convert',
  'FinetuneOptions',
  'Optimize',
  'PlanExperiment',
  'QuantizeOptions',
  'RunExperiment'
];
const TEXTS_OF_A_SETTING = ['title', 'description'];

function messagesOf(path) {
  const source = ts.createSourceFile(
    path,
    readFileSync(path, 'utf8'),
    ts.ScriptTarget.Latest,
    true
  );
  const found = [];
  const visit = node => {
    if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
      const texts = TEXTS_OF_A_CALL.get(node.expression.name.text);
      if (texts !== undefined) {
        found.push(node.arguments.slice(0, texts).map(argument => textOf(argument, path)));
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function textOf(argument, path) {
  if (ts.isStringLiteralLike(argument)) {
    return argument.text;
  }
  throw new Error(`${path}: ${argument.getText()} is no text that could be translated.`);
}

function schemaMessages() {
  const { properties, ...rest } = JSON.parse(readFileSync(schema, 'utf8'));
  return [rest, ...Object.values(properties)]
    .flatMap(part => TEXTS_OF_A_SETTING.map(name => part[name]))
    .filter(Boolean)
    .map(text => [text]);
}

function optionMessages() {
  const { schemas } = JSON.parse(
    readFileSync(join(here, '..', 'docs', 'openapi.json'), 'utf8')
  ).components;
  return FORMS.flatMap(form => Object.entries(schemas[form].properties))
    .flatMap(([name, { description }]) => [name.replace(/_/g, ' '), description])
    .filter(Boolean)
    .map(text => [text]);
}

const sources = readdirSync(join(here, 'src'), { recursive: true })
  .filter(name => /\.tsx?$/.test(name) && !name.endsWith('openapi.ts'))
  .map(name => join(here, 'src', name));
console.log(
  JSON.stringify([
    ...sources.flatMap(messagesOf),
    ...schemaMessages(),
    ...SAID.map(text => [text]),
    ...optionMessages()
  ])
);
