"""The page's theme: system fonts, neutral greys, one accent colour, light and dark."""

from __future__ import annotations

import gradio as gr

__all__ = ["CurbsideTheme"]

_SANS = ("system-ui", "Segoe UI", "Roboto", "Helvetica Neue", "Noto Sans", "Arial", "sans-serif")
_MONO = ("ui-monospace", "Cascadia Mono", "Consolas", "Noto Sans Mono", "monospace")

_ACCENT = gr.themes.Color(
    name="curbside",
    c50="#eef5fa",
    c100="#d8e8f3",
    c200="#b3d2e7",
    c300="#84b6d6",
    c400="#5fa5d0",
    c500="#2d7fb0",
    c600="#0f628f",
    c700="#0b5178",
    c800="#0a4262",
    c900="#0a354e",
    c950="#062335",
)
_GREY = gr.themes.Color(
    name="curbside-grey",
    c50="#f7f8f9",
    c100="#eef0f2",
    c200="#dde1e5",
    c300="#c3c9d0",
    c400="#949fab",
    c500="#687583",
    c600="#515d69",
    c700="#3a444e",
    c800="#222a31",
    c900="#171d22",
    c950="#0f1317",
)


class CurbsideTheme(gr.themes.Base):
    """Dense and quiet; every colour pair of text and ground has a contrast of at least 4.5."""

    def __init__(self) -> None:
        super().__init__(
            primary_hue=_ACCENT,
            secondary_hue=_ACCENT,
            neutral_hue=_GREY,
            text_size=gr.themes.sizes.text_sm,
            spacing_size=gr.themes.sizes.spacing_sm,
            radius_size=gr.themes.sizes.radius_sm,
            font=_SANS,
            font_mono=_MONO,
        )
        self.name = "curbside"
        self.set(
            body_background_fill="*neutral_50",
            body_background_fill_dark="*neutral_950",
            body_text_color="*neutral_900",
            body_text_color_dark="*neutral_100",
            body_text_color_subdued="*neutral_600",
            body_text_color_subdued_dark="*neutral_400",
            block_background_fill="white",
            block_background_fill_dark="*neutral_900",
            block_border_width="0px",
            block_shadow="none",
            input_background_fill="white",
            input_background_fill_dark="*neutral_900",
            input_border_color="*neutral_400",
            input_border_color_dark="*neutral_500",
            input_border_color_focus="*primary_600",
            input_border_color_focus_dark="*primary_400",
            input_placeholder_color="*neutral_500",
            input_placeholder_color_dark="*neutral_400",
            checkbox_background_color_selected="*primary_600",
            checkbox_background_color_selected_dark="*primary_600",
            button_primary_background_fill="*primary_600",
            button_primary_background_fill_hover="*primary_700",
            button_primary_background_fill_dark="*primary_600",
            button_primary_text_color="white",
        )
