import rules from '../web/eslint.config.js'

// The rules of the console, and what a uni-app page is allowed besides.
export default [
  { ignores: ['dist', 'node_modules', 'mptest'] },
  ...rules,
  {
    files: ['**/*.vue', '**/*.ts'],
    rules: {
      // Branches for one platform leave code behind that another one never reaches.
      'no-unreachable': 'off',
    },
  },
]
