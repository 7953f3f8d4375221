"""Composition -> message, what can be filtered and ordered by, and a page of them."""

from catalog_service.models.compositions import Composition, compositions
from catalog_service.serving.listing import Field, Listing
from vertebra.catalog.v1 import model_service_pb2 as pb

COMPOSITIONS: Listing[Composition] = Listing(
    [
        Field(name="name", get=lambda row: row.name),
        Field(name="backbone", get=lambda row: row.backbone),
        Field(name="family", get=lambda row: row.family),
        Field(name="task", get=lambda row: row.task),
        Field(name="head", get=lambda row: row.head),
        Field(name="neck", get=lambda row: row.neck),
        Field(name="is_default", get=lambda row: row.is_default, kind="boolean"),
        Field(name="is_published", get=lambda row: row.is_published, kind="boolean"),
    ],
    default_order="name",
)
"""As ListCompositionsRequest documents."""


def compositions_page(request: pb.ListCompositionsRequest) -> pb.ListCompositionsResponse:
    """Return the page that a request asks for."""
    page = COMPOSITIONS.page(
        compositions(),
        filter=request.filter,
        order_by=request.order_by,
        page_size=request.page_size,
        page_token=request.page_token,
        resource="compositions",
    )
    return pb.ListCompositionsResponse(
        compositions=[composition_message(row) for row in page.items],
        next_page_token=page.next_page_token,
        total_size=page.total_size,
    )


def composition_message(row: Composition) -> pb.Composition:
    """Return a composition as the contract has it."""
    return pb.Composition(
        backbone=row.backbone,
        family=row.family,
        task=row.task,
        head=row.head,
        neck=row.neck,
        is_default=row.is_default,
        feature_maps=row.feature_maps,
        is_published=row.is_published,
    )
