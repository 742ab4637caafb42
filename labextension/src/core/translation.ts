/** The part of gettext that the views use; JupyterLab's translation bundle is one. */
export interface Translation {
  __(message: string, ...values: (string | number)[]): string;
  _n(singular: string, plural: string, count: number, ...values: (string | number)[]): string;
}
