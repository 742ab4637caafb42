/** What the page speaks. */
export interface Spoken {
  readonly trans: Translation;
  /** As `zh_CN`: the server answers in it where it can. */
  readonly language: string;
}

/** The part of gettext that the views use; JupyterLab's translation bundle is one. */
export interface Translation {
  /** Of a text that stands elsewhere than in the call; as it came where the catalogue has it not. */
  gettext(message: string, ...values: (string | number)[]): string;
  __(message: string, ...values: (string | number)[]): string;
  _n(singular: string, plural: string, count: number, ...values: (string | number)[]): string;
}
