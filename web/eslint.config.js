import a11y from "eslint-plugin-jsx-a11y";
import hooks from "eslint-plugin-react-hooks";
import ts from "typescript-eslint";

const wholeFile = { max: 400, skipBlankLines: false, skipComments: false };

export default ts.config({ ignores: ["node_modules", "src/api/schema.d.ts"] }, ...ts.configs.recommended, {
  files: ["src/**/*.{ts,tsx}", "test/**/*.{ts,tsx}"],
  plugins: { "react-hooks": hooks, "jsx-a11y": a11y },
  rules: {
    ...a11y.flatConfigs.recommended.rules,
    "react-hooks/rules-of-hooks": "error",
    "react-hooks/exhaustive-deps": "error",
    "@typescript-eslint/no-explicit-any": "error",
    "@typescript-eslint/consistent-type-imports": "error",
    "max-lines": ["error", wholeFile],
    "no-console": "error",
    // Left and right do not exist in a screen that can be mirrored.
    "no-restricted-syntax": [
      "error",
      {
        selector:
          "Literal[value=/(^|[\\s:])-?((ml|mr|pl|pr|left|right|rounded-[lr]|rounded-[tb][lr])-(\\d|\\[|auto|px|full|sm|md|lg|xl|none)|(text-left|text-right|border-[lr]|rounded-[lr])($|\\s|-))/]",
        message: "Use logical utilities (ms, me, ps, pe, start, end).",
      },
    ],
    "jsx-a11y/no-autofocus": "off",
    "jsx-a11y/no-noninteractive-element-interactions": "off",
    "jsx-a11y/no-noninteractive-tabindex": "off",
    "jsx-a11y/interactive-supports-focus": "off",
    "jsx-a11y/click-events-have-key-events": "off",
    "jsx-a11y/label-has-associated-control": ["error", { assert: "either", depth: 4 }],
  },
});
