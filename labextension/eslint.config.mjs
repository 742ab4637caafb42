// The rules that hold the front end's floors: core/ and views/ know nothing of JupyterLab, lab/ is the only door.
import jupyter from '@jupyter/eslint-plugin';
import hooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

const jupyterRules = jupyter.configs.recommended
  .filter(config => config.files?.some(pattern => pattern.endsWith('.ts')))
  .reduce((rules, config) => ({ ...rules, ...config.rules }), {});

const noJupyterLab = {
  group: ['@jupyterlab/*', '@lumino/*', '@jupyter/*'],
  message: 'The views also run in notebooks and Voila: only lab/ may know JupyterLab.'
};

export default tseslint.config(
  { ignores: ['labextension/lib/**', 'labextension/src/core/openapi.ts'] },
  {
    files: ['labextension/src/**/*.{ts,tsx}'],
    extends: [...tseslint.configs.strictTypeChecked],
    plugins: { jupyter, 'react-hooks': hooks },
    languageOptions: {
      parserOptions: {
        project: 'labextension/tsconfig.json',
        tsconfigRootDir: `${import.meta.dirname}/..`
      }
    },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      ...Object.fromEntries(Object.keys(jupyterRules).map(rule => [rule, 'error'])),
      ...hooks.configs.recommended.rules,
      // The widget of a view is light: it loads the view when it is first shown; and all of them share one way to the
      // server and one Live.
      'jupyter/prefer-lazy-imports': [
        'error',
        { ignoreImports: ['./view', '../core/client', '../core/live'] }
      ],
      curly: 'error',
      eqeqeq: 'error',
      'no-console': 'error',
      'max-lines': ['error', { max: 300 }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }]
    }
  },
  {
    files: ['labextension/src/views/**/*.{ts,tsx}'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            noJupyterLab,
            { group: ['**/lab/**', '**/widget/**'], message: 'Imports only go down.' }
          ]
        }
      ]
    }
  },
  {
    files: ['labextension/src/widget/**/*.{ts,tsx}'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [noJupyterLab, { group: ['**/lab/**'], message: 'One door knows no other.' }]
        }
      ]
    }
  },
  {
    files: ['labextension/src/lab/**/*.{ts,tsx}'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [{ group: ['**/widget/**'], message: 'One door knows no other.' }] }
      ]
    }
  },
  {
    files: ['labextension/src/core/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            noJupyterLab,
            {
              group: ['react', 'react-dom', '**/lab/**', '**/views/**', '**/widget/**'],
              message: 'Imports only go down.'
            }
          ]
        }
      ]
    }
  }
);
