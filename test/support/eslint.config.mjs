// The lint rules, typed: they see types through the project service, with tsconfig.json at the root.
import { fileURLToPath } from 'node:url';
import tseslint from 'typescript-eslint';

const root = fileURLToPath(new URL('../..', import.meta.url));

export default tseslint.config(
  { ignores: ['**/node_modules/**', '.build/**', 'cdk.out/**'] },
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [...tseslint.configs.strictTypeChecked, ...tseslint.configs.stylisticTypeChecked],
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: root } },
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'Give what is exported a name.' },
        { selector: 'ExportAllDeclaration', message: 'Import from the file that defines it.' },
      ],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      // `_` in front marks a parameter that is only there for its position.
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // `() => socket.destroy()` is how a callback without a result reads best.
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      // `fields['name']` says that the name is data, not a member of a type.
      '@typescript-eslint/dot-notation': ['error', { allowIndexSignaturePropertyAccess: true }],
      '@typescript-eslint/no-invalid-void-type': ['error', { allowAsThisParameter: true }],
      // Bytes that a length check before has made sure of are read as `bytes[at]!`.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // For members of an interface that have nothing to do.
      '@typescript-eslint/no-empty-function': 'off',
      // Where every frame of every player passes, an index is chosen over an iterator on purpose.
      '@typescript-eslint/prefer-for-of': 'off',
      // Settings reach the CDK's enums as the numbers and names that they are.
      '@typescript-eslint/no-unsafe-enum-assignment': 'off',
      // `get kind() { return 'rtmp'; }` implements an interface's member as well as a field does.
      '@typescript-eslint/class-literal-property-style': 'off',
      // Constructs of the CDK are created for their effect on the tree.
      '@typescript-eslint/no-extraneous-class': 'off',
      // An async function without await still turns a throw into a rejection, which interfaces ask for.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: true }],
    },
  },
  {
    // Programs that run before anything is compiled: the same rules, as far as they go without types.
    files: ['**/*.mjs'],
    extends: [...tseslint.configs.strict, ...tseslint.configs.stylistic],
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-empty-function': 'off',
    },
  },
  {
    files: ['test/**/*.ts'],
    // CloudFormation templates are searched as plain JSON, and a failure's text may show any value.
    rules: { '@typescript-eslint/no-base-to-string': 'off' },
  },
  {
    // Programs whose purpose is their output.
    files: ['service/main.ts', 'infra/app.ts', 'test/bench/**/*.ts'],
    rules: { 'no-console': 'off' },
  },
);
