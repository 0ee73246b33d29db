import js from "@eslint/js";
import globals from "globals";

export default [
  js.configs.recommended,
  {
    files: ["src/**/*.js"],
    languageOptions: { globals: globals.browser },
    rules: { eqeqeq: "error", "no-var": "error", "prefer-const": "error", "no-shadow": "off", "no-import-assign": "error", "no-eval": "error" },
  },
  { files: ["*.js"], languageOptions: { globals: globals.node } },
];
