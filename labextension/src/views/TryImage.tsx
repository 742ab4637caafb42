import { useState, type JSX } from 'react';
import type { Answer } from '../core/types';
import { boxesOf } from '../core/predictions';
import { useTrans } from './contexts';
import { formatShare } from './format';

/** Takes an image file that is dropped or chosen, and shows it with the boxes that were found in it. `value` is the image
 * as a data URL, '' before there is one. */
export function TryImage({
  value,
  answer,
  onChange
}: {
  value: string;
  answer: Answer | null;
  onChange: (value: string) => void;
}): JSX.Element {
  const trans = useTrans();
  const [size, setSize] = useState<{ width: number; height: number } | null>(null);
  const [over, setOver] = useState(false);
  const take = (files: FileList | null): void => {
    const file = files?.[0];
    if (file) {
      const reader = new FileReader();
      reader.onload = () => {
        onChange(typeof reader.result === 'string' ? reader.result : '');
      };
      reader.readAsDataURL(file);
    }
  };
  return (
    <label
      className="jp-ModelDeploy-drop"
      data-over={over || undefined}
      onDragOver={event => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => {
        setOver(false);
      }}
      onDrop={event => {
        event.preventDefault();
        setOver(false);
        take(event.dataTransfer.files);
      }}
    >
      <span>{trans.__('Image: drop a file here, or choose one')}</span>
      <input
        type="file"
        accept="image/*"
        onChange={event => {
          take(event.target.files);
        }}
      />
      {value && (
        <span className="jp-ModelDeploy-picture">
          <img
            src={value}
            alt={trans.__('The image that is asked about')}
            onLoad={({ currentTarget: { naturalWidth: width, naturalHeight: height } }) => {
              setSize({ width, height });
            }}
          />
          {size &&
            boxesOf(answer?.predictions[0]).map(
              ({ label, score, box: [x, y, right, bottom] }, at) => (
                <span
                  key={at}
                  className="jp-ModelDeploy-box"
                  style={{
                    left: `${(100 * x) / size.width}%`,
                    top: `${(100 * y) / size.height}%`,
                    width: `${(100 * (right - x)) / size.width}%`,
                    height: `${(100 * (bottom - y)) / size.height}%`
                  }}
                >
                  <span>{`${label} ${formatShare(score, 0)}`}</span>
                </span>
              )
            )}
        </span>
      )}
    </label>
  );
}
