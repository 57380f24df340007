"""Colours for code blocks: Pygments lexers from an allow-list, short CSS classes, no inline style."""

from __future__ import annotations

import functools
import html
import importlib
import re

from pygments.lexer import Lexer
from pygments.token import STANDARD_TYPES

MAX_CODE = 65536
"""Characters of one block that are coloured; a longer one stays plain."""

# language: module of pygments.lexers, class. Loaded by name, since asking Pygments for a lexer loads its index.
_LEXERS = {
    "bash": ("shell", "BashLexer"),
    "batch": ("shell", "BatchLexer"),
    "c": ("c_cpp", "CLexer"),
    "clojure": ("jvm", "ClojureLexer"),
    "cmake": ("make", "CMakeLexer"),
    "console": ("shell", "BashSessionLexer"),
    "cpp": ("c_cpp", "CppLexer"),
    "csharp": ("dotnet", "CSharpLexer"),
    "css": ("css", "CssLexer"),
    "dart": ("javascript", "DartLexer"),
    "diff": ("diff", "DiffLexer"),
    "django": ("templates", "HtmlDjangoLexer"),
    "docker": ("configs", "DockerLexer"),
    "elixir": ("erlang", "ElixirLexer"),
    "erlang": ("erlang", "ErlangLexer"),
    "fsharp": ("dotnet", "FSharpLexer"),
    "go": ("go", "GoLexer"),
    "graphql": ("graphql", "GraphQLLexer"),
    "groovy": ("jvm", "GroovyLexer"),
    "haskell": ("haskell", "HaskellLexer"),
    "html": ("html", "HtmlLexer"),
    "http": ("textfmts", "HttpLexer"),
    "ini": ("configs", "IniLexer"),
    "java": ("jvm", "JavaLexer"),
    "javascript": ("javascript", "JavascriptLexer"),
    "json": ("data", "JsonLexer"),
    "jsx": ("jsx", "JsxLexer"),
    "julia": ("julia", "JuliaLexer"),
    "kotlin": ("jvm", "KotlinLexer"),
    "lisp": ("lisp", "CommonLispLexer"),
    "lua": ("scripting", "LuaLexer"),
    "make": ("make", "MakefileLexer"),
    "markdown": ("markup", "MarkdownLexer"),
    "matlab": ("matlab", "MatlabLexer"),
    "nginx": ("configs", "NginxConfLexer"),
    "nix": ("nix", "NixLexer"),
    "objective-c": ("objective", "ObjectiveCLexer"),
    "ocaml": ("ml", "OcamlLexer"),
    "pascal": ("pascal", "DelphiLexer"),
    "perl": ("perl", "PerlLexer"),
    "php": ("php", "PhpLexer"),
    "postgresql": ("sql", "PostgresLexer"),
    "powershell": ("shell", "PowerShellLexer"),
    "protobuf": ("dsls", "ProtoBufLexer"),
    "pycon": ("python", "PythonConsoleLexer"),
    "pytb": ("python", "PythonTracebackLexer"),
    "python": ("python", "PythonLexer"),
    "r": ("r", "SLexer"),
    "ruby": ("ruby", "RubyLexer"),
    "rust": ("rust", "RustLexer"),
    "scala": ("jvm", "ScalaLexer"),
    "scheme": ("lisp", "SchemeLexer"),
    "scss": ("css", "ScssLexer"),
    "solidity": ("solidity", "SolidityLexer"),
    "sql": ("sql", "SqlLexer"),
    "swift": ("objective", "SwiftLexer"),
    "terraform": ("configs", "TerraformLexer"),
    "tex": ("markup", "TexLexer"),
    "toml": ("configs", "TOMLLexer"),
    "typescript": ("javascript", "TypeScriptLexer"),
    "vim": ("textedit", "VimLexer"),
    "xml": ("html", "XmlLexer"),
    "yaml": ("data", "YamlLexer"),
    "zig": ("zig", "ZigLexer"),
}
_ALIASES = {
    "sh": "bash", "shell": "bash", "zsh": "bash", "ksh": "bash", "bat": "batch", "cmd": "batch", "h": "c",
    "clj": "clojure", "shell-session": "console", "terminal": "console", "c++": "cpp", "cc": "cpp", "cxx": "cpp",
    "hpp": "cpp", "cs": "csharp", "c#": "csharp", "patch": "diff", "jinja": "django", "jinja2": "django",
    "htmldjango": "django", "dockerfile": "docker", "ex": "elixir", "exs": "elixir", "erl": "erlang",
    "f#": "fsharp", "fs": "fsharp", "golang": "go", "gql": "graphql", "gradle": "groovy", "hs": "haskell",
    "htm": "html", "vue": "html", "svelte": "html", "cfg": "ini", "conf": "ini", "properties": "ini",
    "dotenv": "ini", "env": "ini", "js": "javascript", "mjs": "javascript", "cjs": "javascript", "node": "javascript",
    "json5": "json", "jsonc": "json", "jsonl": "json", "jl": "julia", "kt": "kotlin", "kts": "kotlin",
    "common-lisp": "lisp", "elisp": "lisp", "makefile": "make", "mk": "make", "md": "markdown",
    "octave": "matlab", "objc": "objective-c", "objectivec": "objective-c", "ml": "ocaml", "delphi": "pascal",
    "pl": "perl", "psql": "postgresql", "plpgsql": "postgresql", "postgres": "postgresql", "ps1": "powershell",
    "pwsh": "powershell", "proto": "protobuf", "py": "python", "python3": "python", "py3": "python",
    "ipython": "python", "pyi": "python", "starlark": "python", "traceback": "pytb", "rb": "ruby", "rs": "rust",
    "sass": "scss", "less": "scss", "scm": "scheme", "sol": "solidity", "mysql": "sql", "sqlite": "sql",
    "tsql": "sql", "hcl": "terraform", "tf": "terraform", "latex": "tex", "ts": "typescript", "tsx": "jsx",
    "viml": "vim", "svg": "xml", "xhtml": "xml", "xsl": "xml", "rss": "xml", "plist": "xml", "yml": "yaml",
}  # fmt: skip
_LABEL = re.compile(r"[\w+#./-]{1,32}", re.ASCII)


def label(info: str) -> str:
    """Return the language to show for a fence's info string: its first word if it is short and plain, else ``""``."""
    word = info.split(maxsplit=1)[0].strip("{}.,:") if info.strip() else ""
    return word if _LABEL.fullmatch(word) else ""


def code_html(code: str, language: str) -> str:
    """Return `code` escaped, its tokens in `<span class="…">` where `language` is on the allow-list."""
    language = language.lower()
    language = _ALIASES.get(language, language)
    if language not in _LEXERS or len(code) > MAX_CODE:
        return html.escape(code, quote=False)
    pieces: list[str] = []
    run: list[str] = []
    current = ""
    for kind, text in _lexer(language).get_tokens(code):
        while (name := STANDARD_TYPES.get(kind)) is None:
            kind = kind.parent
        if name == "w":
            name = ""
        if name != current and run:
            pieces.append(_span(current, "".join(run)))
            run = []
        current = name
        run.append(text)
    pieces.append(_span(current, "".join(run)))
    return "".join(pieces)


def _span(name: str, text: str) -> str:
    escaped = html.escape(text, quote=False)
    return f'<span class="{name}">{escaped}</span>' if name else escaped


@functools.cache
def _lexer(language: str) -> Lexer:
    module, name = _LEXERS[language]
    lexer: Lexer = getattr(importlib.import_module(f"pygments.lexers.{module}"), name)(
        stripnl=False, ensurenl=False
    )
    return lexer
