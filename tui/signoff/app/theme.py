"""Colours: quiet grounds, and one colour for each kind of result. No result is told by colour alone."""

from __future__ import annotations

from typing import Final

from textual.theme import Theme

from signoff.model import Result

DARK: Final = Theme(
    name="signoff-dark",
    primary="#7ab7e8",
    secondary="#9aa7b8",
    accent="#e3b97c",
    success="#86c79a",
    warning="#e6c36a",
    error="#f0857f",
    foreground="#d6dde6",
    background="#11161c",
    surface="#171e26",
    panel="#202a35",
    boost="#1b232d",
    dark=True,
    variables={
        "muted": "#8d9aab",
        "border": "#7ab7e8",
        "border-blurred": "#2c3845",
        "block-cursor-background": "#2b4257",
        "block-cursor-foreground": "#ffffff",
        "block-cursor-text-style": "bold",
        "block-cursor-blurred-background": "#232f3b",
        "block-cursor-blurred-foreground": "#d6dde6",
        "footer-background": "#171e26",
        "footer-description-foreground": "#9aa7b8",
        "footer-key-foreground": "#e3b97c",
        "input-selection-background": "#2b4257",
    },
)

LIGHT: Final = Theme(
    name="signoff-light",
    primary="#0b5a9c",
    secondary="#4d5a68",
    accent="#8a4b00",
    success="#19692f",
    warning="#7a5200",
    error="#b0241c",
    foreground="#1d232a",
    background="#fbfaf7",
    surface="#f2f1ec",
    panel="#e5e4dd",
    boost="#eeede7",
    dark=False,
    variables={
        "muted": "#59646f",
        "border": "#0b5a9c",
        "border-blurred": "#cfcec6",
        "block-cursor-background": "#cfe1f1",
        "block-cursor-foreground": "#0d1217",
        "block-cursor-text-style": "bold",
        "block-cursor-blurred-background": "#e2e6ea",
        "block-cursor-blurred-foreground": "#1d232a",
        "footer-background": "#f2f1ec",
        "footer-description-foreground": "#4d5a68",
        "footer-key-foreground": "#8a4b00",
        "input-selection-background": "#cfe1f1",
    },
)

NAMES: Final = {
    "dark": DARK.name,
    "light": LIGHT.name,
    "terminal": "ansi-dark",
    "terminal-light": "ansi-light",
}
"""What ``settings.toml`` may say, beside the names of Textual's own themes."""

STYLES: Final = {
    Result.FAIL: "$error",
    Result.ERROR: "$error",
    Result.UNKNOWN: "$warning",
    Result.NOTCHECKED: "$muted",
    Result.PASS: "$success",
    Result.FIXED: "$success",
    Result.INFORMATIONAL: "$primary",
    Result.NOTAPPLICABLE: "$muted",
}
