import { useEffect, useState } from 'react';

/** Whether JupyterLab's theme is light or dark, also after it was changed; 'light dark', as the system wishes, where
 * there is none. */
export function useColorScheme(): string {
  const [scheme, setScheme] = useState(schemeNow);
  useEffect(() => {
    const observer = new MutationObserver(() => {
      setScheme(schemeNow());
    });
    observer.observe(document.body, { attributeFilter: ['data-jp-theme-light'] });
    return () => {
      observer.disconnect();
    };
  }, []);
  return scheme;
}

function schemeNow(): string {
  const { jpThemeLight } = document.body.dataset;
  return jpThemeLight === undefined ? 'light dark' : jpThemeLight === 'true' ? 'light' : 'dark';
}
