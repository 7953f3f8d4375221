"""S3D: separable inception modules over time and space."""

from catalog_service.models.families.family import Family, SizeRule, stages

FAMILY = Family(
    name="s3d",
    task="video",
    stages={
        "s3d": stages(
            stem="features.0 features.2 features.3",
            inception3="features.5 features.6",
            inception4="features.8 features.9 features.10 features.11 features.12",
            inception5="features.14 features.15",
        )
    },
    stem_layer="features.0.0.0",
    head_modules=("classifier",),
    final_layer="classifier.1",
    head_init="uniform_fan_in",
    size=SizeRule(minimum_px=209),
    source="Xie et al. 2017, arXiv:1712.04851, figure 7",
)
