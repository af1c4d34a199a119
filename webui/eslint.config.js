import js from '@eslint/js'
import prettier from 'eslint-config-prettier'
import vue from 'eslint-plugin-vue'
import globals from 'globals'
import ts from 'typescript-eslint'

// Texts from clients are data: nothing may turn them into markup.
const markup = ['innerHTML', 'outerHTML', 'insertAdjacentHTML'].map((property) => ({
  property,
  message: 'Texts from clients are data: use SafeText or textContent.',
}))

export default ts.config(
  { ignores: ['node_modules', 'dist', 'src/api/schema.gen.ts'] },
  js.configs.recommended,
  ...ts.configs.recommended,
  ...vue.configs['flat/recommended'],
  {
    files: ['**/*.vue'],
    languageOptions: { parserOptions: { parser: ts.parser } },
    rules: {
      // All texts are in src/texts.
      'vue/no-bare-strings-in-template': 'error',
      'vue/no-v-html': 'error',
      'vue/no-v-text-v-html-on-component': 'error',
      'vue/require-default-prop': 'off',
      'vue/block-order': ['error', { order: ['script', 'template', 'style'] }],
    },
  },
  {
    files: ['src/**'],
    languageOptions: { globals: globals.browser },
    rules: {
      'no-restricted-properties': ['error', ...markup],
      'no-eval': 'error',
      'no-implied-eval': 'error',
      'no-console': 'error',
      // TypeScript knows the names.
      'no-undef': 'off',
    },
  },
  { files: ['src/pages/dev/**'], rules: { 'vue/no-bare-strings-in-template': 'off' } },
  { files: ['scripts/**', 'test/**', '*.js'], languageOptions: { globals: globals.node } },
  {
    files: ['test/browser/**'],
    languageOptions: { globals: { ...globals.node, ...globals.browser } },
  },
  prettier,
)
