"""Class names that networks are commonly trained on."""

from __future__ import annotations

COCO = tuple(
    """person,bicycle,car,motorcycle,airplane,bus,train,truck,boat,traffic light,fire hydrant,
stop sign,parking meter,bench,bird,cat,dog,horse,sheep,cow,elephant,bear,zebra,giraffe,backpack,
umbrella,handbag,tie,suitcase,frisbee,skis,snowboard,sports ball,kite,baseball bat,baseball glove,
skateboard,surfboard,tennis racket,bottle,wine glass,cup,fork,knife,spoon,bowl,banana,apple,sandwich,
orange,broccoli,carrot,hot dog,pizza,donut,cake,chair,couch,potted plant,bed,dining table,toilet,tv,
laptop,mouse,remote,keyboard,cell phone,microwave,oven,toaster,sink,refrigerator,book,clock,vase,
scissors,teddy bear,hair drier,toothbrush""".replace("\n", "").split(",")
)
"""The 80 classes of COCO (Lin et al. 2014, arXiv:1405.0312) in the order of their ids."""

_UNUSED_IDS = frozenset({12, 26, 29, 30, 45, 66, 68, 69, 71, 83})
_NAMES = iter(COCO)
COCO_BY_ID = tuple(
    f"unused {number}" if number in _UNUSED_IDS or number == 0 else next(_NAMES)
    for number in range(91)
)
"""The same by COCO's own ids 0 to 90, as DETR counts them; ids that no class has are unused."""


def common_labels(count: int) -> tuple[str, ...]:
    """Return the names that networks with so many classes commonly have; empty: unknown.

    >>> common_labels(80)[0], common_labels(91)[90], common_labels(7)
    ('person', 'toothbrush', ())
    """
    return {len(COCO): COCO, len(COCO_BY_ID): COCO_BY_ID}.get(count, ())
