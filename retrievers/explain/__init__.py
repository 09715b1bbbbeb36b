"""Why a record was found."""

from retrievers.explain.explanation import Explanation, explain_hit, maps_over
from retrievers.explain.maps import SimilarityMap, occlusion_map, overlay, strongest_region

__all__ = ["Explanation", "SimilarityMap", "explain_hit", "maps_over", "occlusion_map", "overlay", "strongest_region"]
