"""The atlas: a corpus' vectors on a plane, as a page with thumbnails and as PNG. People look before they trust."""

from indexing.atlas.drawing import Atlas, AtlasOptions, Panel, draw_atlas
from indexing.atlas.page import write_page
from indexing.atlas.plot import write_plot
from indexing.atlas.points import Point

__all__ = ["Atlas", "AtlasOptions", "Panel", "Point", "draw_atlas", "write_page", "write_plot"]
