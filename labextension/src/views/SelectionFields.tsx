import { useId, type JSX } from 'react';
import type { FetchRequest, Framework } from '../core/types';
import { useTrans } from './contexts';

const FRAMEWORKS: readonly Framework[] = [
  'safetensors',
  'onnx',
  'pytorch',
  'tensorflow',
  'flax',
  'gguf',
  'openvino'
];

/** What of a source is wanted, as it is typed. */
export interface Selection {
  include: string;
  exclude: string;
  variant: string;
  framework: Framework | '';
  weights: boolean;
  trust: boolean;
}

export const EVERYTHING: Selection = {
  include: '',
  exclude: '',
  variant: '',
  framework: '',
  weights: true,
  trust: false
};

/** The selection in the words of the API. */
export function asRequest(selection: Selection): Omit<FetchRequest, 'source'> {
  return {
    include: patterns(selection.include),
    exclude: patterns(selection.exclude),
    variant: selection.variant.trim() || null,
    framework: selection.framework || null,
    include_weights: selection.weights,
    trust: selection.trust
  };
}

/** Which files, which weights, and whether what is unsafe may be loaded. */
export function SelectionFields({
  value,
  onChange
}: {
  value: Selection;
  onChange: (value: Selection) => void;
}): JSX.Element {
  const trans = useTrans();
  const id = useId();
  const text = (name: 'include' | 'exclude' | 'variant', label: string, example: string) => (
    <>
      <label htmlFor={`${id}-${name}`}>{label}</label>
      <input
        id={`${id}-${name}`}
        value={value[name]}
        spellCheck={false}
        placeholder={example}
        onChange={event => {
          onChange({ ...value, [name]: event.target.value });
        }}
      />
    </>
  );
  const box = (name: 'weights' | 'trust', label: string) => (
    <label className="jp-ModelDeploy-check">
      <input
        type="checkbox"
        checked={value[name]}
        onChange={event => {
          onChange({ ...value, [name]: event.target.checked });
        }}
      />
      {label}
    </label>
  );
  return (
    <details className="jp-ModelDeploy-more">
      <summary>{trans.__('More')}</summary>
      <div className="jp-ModelDeploy-fields">
        {text('include', trans.__('Only files'), '*.json, onnx/*')}
        {text('exclude', trans.__('No files'), '*.md')}
        <label htmlFor={`${id}-framework`}>{trans.__('Weights')}</label>
        <select
          id={`${id}-framework`}
          value={value.framework}
          onChange={event => {
            onChange({ ...value, framework: event.target.value as Framework | '' });
          }}
        >
          <option value="">{trans.__('safetensors, else ONNX, else PyTorch')}</option>
          {FRAMEWORKS.map(framework => (
            <option key={framework}>{framework}</option>
          ))}
        </select>
        {text('variant', trans.__('Variant'), 'fp16')}
        {box('weights', trans.__('With the weights'))}
        {box('trust', trans.__('I trust it: load it in spite of what is found unsafe'))}
      </div>
    </details>
  );
}

function patterns(text: string): string[] {
  return text.split(',').flatMap(part => part.trim() || []);
}
